// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Errors about a sequence of a list call it as the input does.
#pragma once

#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/types.hpp>

namespace program {

/// What `work` gives; an error about sequence i of its list is thrown on with the name `name_of(i)`.
template <class Name, class Work>
[[nodiscard]] auto with_names(const Name& name_of, const Work& work) {
  try {
    return work();
  } catch (const dnalm::sequence_error& problem) {
    throw problem.named(name_of(problem.sequence()));
  }
}

/// What `work` gives for sequence `number` of a list alone: its errors are about that one.
template <class Work>
[[nodiscard]] auto alone_of_list(dnalm::index_t number, const Work& work) {
  try {
    return work();
  } catch (const dnalm::sequence_error& problem) {
    throw problem.of(number);
  }
}

}  // namespace program
