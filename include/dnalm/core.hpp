// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module core.
#pragma once

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/core/version.hpp>
