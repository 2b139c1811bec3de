// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How functions that ordinary sources call get out of device code.
#pragma once

#include <dnalm/core/platform.hpp>

/// Before the definition of a function that a header declares and a `.cuh` file defines: emitted by every
/// source that includes the definition, though nothing there calls it; of several the linker keeps one.
#define DNALM_EMITTED __attribute__((weak))
