// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module metrics.
#pragma once

#include <dnalm/metrics/bootstrap.hpp>
#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/confusion.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/counts.hpp>
#include <dnalm/metrics/error_size.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/metrics/paired_t.hpp>
#include <dnalm/metrics/ranking.hpp>
#include <dnalm/metrics/score_table.hpp>
#include <dnalm/metrics/value_order.hpp>
