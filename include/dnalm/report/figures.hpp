// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief From result rows to the per-layer charts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/report/line_chart.hpp>
#include <dnalm/report/result_table.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// The chart of one metric of one target, and the file it is written to.
struct figure {
  std::string target = {};
  std::string metric = {};
  std::string file = {};  ///< `figures/<target>.<metric>.svg`, unique
  line_chart chart = {};
};

/// Every chart that has something to show: targets and metrics in the order of the rows.
///
/// Rows with a layer become curves (a model and its twin share a hue), rows without become levels. Undefined
/// values (NaN) are left out.
[[nodiscard]] std::vector<figure> make_figures(std::span<const result_row> rows);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/figures_impl.hpp>
#endif
