// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All of dnalm; of the kernels on a GPU the declarations, which need no CUDA.
#pragma once

#include <dnalm/attribution.hpp>
#include <dnalm/backend.hpp>
#include <dnalm/core.hpp>
#include <dnalm/cpu.hpp>
#include <dnalm/cuda.hpp>
#include <dnalm/embed.hpp>
#include <dnalm/io.hpp>
#include <dnalm/metrics.hpp>
#include <dnalm/models.hpp>
#include <dnalm/nn.hpp>
#include <dnalm/probe.hpp>
#include <dnalm/reference.hpp>
#include <dnalm/report.hpp>
#include <dnalm/sequence.hpp>
#include <dnalm/tensor.hpp>
#include <dnalm/tokenize.hpp>
