// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All of dnalm that runs on a CPU.
#pragma once

#include <dnalm/backend.hpp>
#include <dnalm/core.hpp>
#include <dnalm/cpu.hpp>
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
