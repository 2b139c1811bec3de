// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A reference to something callable: no copy, no allocation, one indirect call.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

template <class Signature>
class function_ref;

/// Refers to a callable that outlives it; meant for function parameters.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
 public:
  template <class Callable>
  requires(!std::same_as<std::remove_cvref_t<Callable>, function_ref> &&
           std::is_invocable_r_v<Result, Callable&, Arguments...>)
      function_ref(Callable&& callable)  // NOLINT: a lambda becomes a reference by design
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Arguments... arguments) -> Result {
          return (*static_cast<std::remove_reference_t<Callable>*>(object))(
              std::forward<Arguments>(arguments)...);
        }) {}

  Result operator()(Arguments... arguments) const {
    return call_(object_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* object_;
  Result (*call_)(void*, Arguments...);
};

DNALM_END_NAMESPACE
