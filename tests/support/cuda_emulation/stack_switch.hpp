// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Leaving a stack in the middle of a function and going on on another one.
///
/// On x86-64 it costs a few instructions; elsewhere it is POSIX's swapcontext, which asks the system for the
/// signal mask on every change, some 20 times as long as what an emulated thread does between two of them.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace dnalm_test::gpu {

#if defined(__x86_64__)

// The registers that a call preserves are put on the stack that is left, its pointer to *left (rdi), and
// those that lie on the other one (rsi) are taken up. The rounding mode is nobody's own.
asm(R"(
.pushsection .text.dnalm_test_switch_stack,"axG",@progbits,dnalm_test_switch_stack,comdat
.weak dnalm_test_switch_stack
.type dnalm_test_switch_stack,@function
.balign 16
dnalm_test_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size dnalm_test_switch_stack,.-dnalm_test_switch_stack
.popsection
)");
extern "C" void dnalm_test_switch_stack(void** left, void* entered);

/// Where somebody stands on a stack.
class stack_place {
 public:
  /// The beginning of a function that does not return, on an empty stack.
  void begin(std::byte* stack, std::size_t bytes, void (*entry)()) {
    const std::uintptr_t top = (reinterpret_cast<std::uintptr_t>(stack) + bytes) / 16 * 16;
    auto** const words = reinterpret_cast<void**>(top - 8 * sizeof(void*));
    for (int i = 0; i < 8; ++i) words[i] = nullptr;
    words[6] = reinterpret_cast<void*>(entry);  // behind six registers, before its own return address
    pointer_ = words;
  }
  /// Leaves this place and goes on at `to`; returns when somebody goes on here.
  void leave_for(stack_place& to) { dnalm_test_switch_stack(&pointer_, to.pointer_); }

 private:
  void* pointer_ = nullptr;
};

#else

/// Where somebody stands on a stack.
class stack_place {
 public:
  /// The beginning of a function that does not return, on an empty stack.
  void begin(std::byte* stack, std::size_t bytes, void (*entry)()) {
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack;
    context_.uc_stack.ss_size = bytes;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
  }
  /// Leaves this place and goes on at `to`; returns when somebody goes on here.
  void leave_for(stack_place& to) { swapcontext(&context_, &to.context_); }

 private:
  ucontext_t context_{};
};

#endif

}  // namespace dnalm_test::gpu
