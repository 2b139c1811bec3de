// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Catch2 version 2 or 3, and what the tests share on top of it.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

#include <dnalm/core/error.hpp>

namespace dnalm_test {

/// Runs `call` and returns the id of the dnalm::error it throws ("" if none, "other: ..." for another
/// exception).
template <class Call>
std::string error_id_of(Call&& call) {
  try {
    call();
  } catch (const dnalm::error& e) {
    return e.id();
  } catch (const std::exception& e) {
    return std::string("other: ") + e.what();
  }
  return "";
}

}  // namespace dnalm_test
