// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A function that can be left in the middle and entered again: one thread of an emulated block.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <support/address_sanitizer.hpp>
#include <support/cuda_emulation/stack_switch.hpp>

#if DNALM_TEST_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace dnalm_test::gpu {

/// A stack of its own. `resume` is called outside, `suspend` inside; both on one thread of the system. The
/// AddressSanitizer is told of every change of the stack.
class fiber {
 public:
  fiber() : stack_(std::make_unique_for_overwrite<std::byte[]>(stack_bytes)) {}
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// The next `resume` begins `body`, which lets no exception out.
  void start(std::function<void()> body) {
    body_ = std::move(body);
    inside_.begin(stack_.get(), stack_bytes, &fiber::enter);
  }
  /// Runs on until the body suspends or ends.
  void resume() {
    entering() = this;
#if DNALM_TEST_ADDRESS_SANITIZER
    void* frames = nullptr;
    __sanitizer_start_switch_fiber(&frames, stack_.get(), stack_bytes);
#endif
    outside_.leave_for(inside_);
#if DNALM_TEST_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(frames, nullptr, nullptr);
#endif
  }
  void suspend() {
#if DNALM_TEST_ADDRESS_SANITIZER
    void* frames = nullptr;
    __sanitizer_start_switch_fiber(&frames, outer_stack_, outer_bytes_);
#endif
    inside_.leave_for(outside_);
#if DNALM_TEST_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(frames, &outer_stack_, &outer_bytes_);
#endif
  }

 private:
  static constexpr std::size_t stack_bytes = DNALM_TEST_ADDRESS_SANITIZER ? 256 * 1024 : 128 * 1024;

  static fiber*& entering() {
    static fiber* self = nullptr;
    return self;
  }
  static void enter() {
    fiber* const self = entering();
#if DNALM_TEST_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(nullptr, &self->outer_stack_, &self->outer_bytes_);
#endif
    self->body_();
#if DNALM_TEST_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(nullptr, self->outer_stack_, self->outer_bytes_);
#endif
    self->inside_.leave_for(self->outside_);
  }

  std::unique_ptr<std::byte[]> stack_;
  std::function<void()> body_;
  stack_place inside_;
  stack_place outside_;
  [[maybe_unused]] const void* outer_stack_ = nullptr;
  [[maybe_unused]] std::size_t outer_bytes_ = 0;
};

}  // namespace dnalm_test::gpu
