// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The version of the library: the only place where it is written (CMake reads this file).
#pragma once

#define DNALM_VERSION_MAJOR 0
#define DNALM_VERSION_MINOR 1
#define DNALM_VERSION_PATCH 0
#define DNALM_VERSION_STRING "0.1.0"
