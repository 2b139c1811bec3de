// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ctrl-C ends a program in order: what is half-written is removed.
#pragma once

#include <csignal>

namespace program {

/// Thrown by stop_if_interrupted(); unwinding removes temporary files.
struct interruption {};

inline volatile std::sig_atomic_t interrupt_signal = 0;

/// The first signal asks for an orderly end, the second ends at once.
inline void on_interrupt(int signal) {
  interrupt_signal = signal;
  std::signal(signal, SIG_DFL);
}

inline void watch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

/// Called between pieces of work. \throws interruption after Ctrl-C.
inline void stop_if_interrupted() {
  if (interrupt_signal != 0) throw interruption{};
}

}  // namespace program
