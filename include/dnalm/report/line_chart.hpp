// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The per-layer figure: a score against the layer, with intervals, beside baselines that have no
/// layers.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// One score with its interval. An interval of NaN is left out; a value of NaN is an error.
struct chart_point {
  double x = 0;  ///< the layer
  double value = 0;
  double low = 0;
  double high = 0;
};

/// How a curve is drawn: a model in full, its random twin dashed and lighter.
enum class curve_style { model, twin };

/// A curve over layers. Curves of one `colour` (0, 1, ...) share a hue: a model and its twin.
struct chart_curve {
  std::string name = {};
  std::vector<chart_point> points = {};
  index_t colour = 0;
  curve_style style = curve_style::model;
};

/// A baseline without layers: a horizontal line with its interval as a band, labelled at the right.
struct chart_level {
  std::string name = {};
  double value = 0;
  double low = 0;
  double high = 0;
};

/// What a chart shows.
struct line_chart {
  std::string title = {};
  std::string description = {};
  std::string x_label = "layer";
  std::string y_label = {};
  std::vector<chart_curve> curves = {};
  std::vector<chart_level> levels = {};
  bool lower_is_better = false;  ///< which end of a curve is its best point (it gets a label)
  bool label_best = true;        ///< whether it does
  std::string id = "chart";      ///< unique on a page
  bool standalone = true;  ///< with its own style (a file) or without (inside a page that has chart_style())
};

/// Round numbers that cover [low, high] in about `steps` steps of 1, 2 or 5 times a power of ten.
///
/// `step` > 0; `first` <= low and `last` >= high are multiples of it. Equal ends are widened.
struct nice_ticks {
  double first = 0;
  double last = 0;
  double step = 1;
  int digits = 0;  ///< decimals that tell neighbouring ticks apart
};
[[nodiscard]] nice_ticks find_ticks(double low, double high, int steps);

/// CSS of every chart: colour-blind-safe hues, each with its own marker, for light and dark surroundings.
[[nodiscard]] std::string chart_style();

/// Draws the chart as one `<svg>` element.
///
/// \throws error [dnalm.numeric.580] for a value that is not finite, error [dnalm.input.582] when there is
/// nothing to draw. Cost: linear in the number of points.
[[nodiscard]] std::string draw(const line_chart& chart);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/line_chart_impl.hpp>
#endif
