// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/figures.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <dnalm/report/figures.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// The layer as a number, nothing for `-`.
DNALM_INLINE std::optional<double> layer_number(const std::string& layer) {
  index_t number = 0;
  const auto read = std::from_chars(layer.data(), layer.data() + layer.size(), number);
  if (read.ec != std::errc() || read.ptr != layer.data() + layer.size()) return std::nullopt;
  return static_cast<double>(number);
}

/// What the rows of a chart have in common and do not: names say only what tells curves apart.
struct varying_parts {
  bool pooling = false;
  bool probe = false;
};

DNALM_INLINE varying_parts find_varying(const std::vector<const result_row*>& rows) {
  varying_parts varying;
  const result_row* first = nullptr;
  for (const result_row* row : rows) {
    if (row->pooling == "-") continue;
    if (first == nullptr) first = row;
    varying.pooling = varying.pooling || row->pooling != first->pooling;
    varying.probe = varying.probe || row->probe != first->probe;
  }
  return varying;
}

DNALM_INLINE std::string curve_name(const result_row& row, const varying_parts& varying) {
  std::string name = display_name(row.model);
  if (varying.pooling && row.pooling != "-") name += ", " + row.pooling;
  if (varying.probe) name += ", " + row.probe;
  return name;
}

/// The key that a model and its twin share.
DNALM_INLINE std::string hue_key(const result_row& row) {
  const std::string model = kind_of(row.model) == source_kind::twin ? row.model.substr(7) : row.model;
  return model + "\t" + row.pooling + "\t" + row.probe;
}

DNALM_INLINE index_t position_of(std::vector<std::string>& keys, const std::string& key) {
  const auto found = std::find(keys.begin(), keys.end(), key);
  if (found != keys.end()) return static_cast<index_t>(found - keys.begin());
  keys.push_back(key);
  return static_cast<index_t>(keys.size()) - 1;
}

DNALM_INLINE void add_to_curve(std::vector<chart_curve>& curves, const std::string& name, index_t colour,
                               curve_style style, const chart_point& p) {
  auto curve = std::find_if(curves.begin(), curves.end(),
                            [&](const chart_curve& c) { return c.colour == colour && c.style == style; });
  if (curve == curves.end()) {
    curves.push_back({.name = name, .points = {}, .colour = colour, .style = style});
    curve = curves.end() - 1;
  }
  curve->points.push_back(p);
}

DNALM_INLINE line_chart make_chart(const std::vector<const result_row*>& rows) {
  line_chart chart;
  std::vector<std::string> hue_keys;
  const varying_parts varying = find_varying(rows);
  for (const result_row* row : rows) {
    const auto layer = layer_number(row->layer);
    const std::string name = curve_name(*row, varying);
    if (!layer) {
      chart.levels.push_back({name, row->value, row->ci_low, row->ci_high});
      continue;
    }
    const bool twin = kind_of(row->model) == source_kind::twin;
    add_to_curve(chart.curves, name, position_of(hue_keys, hue_key(*row)),
                 twin ? curve_style::twin : curve_style::model,
                 {*layer, row->value, row->ci_low, row->ci_high});
  }
  for (chart_curve& curve : chart.curves) {
    std::stable_sort(curve.points.begin(), curve.points.end(),
                     [](const chart_point& a, const chart_point& b) { return a.x < b.x; });
  }
  return chart;
}

/// One sentence per curve and level, for those who cannot see the drawing.
DNALM_INLINE std::string describe_chart(const line_chart& chart) {
  std::string text;
  for (const chart_curve& curve : chart.curves) {
    const chart_point& first = curve.points.front();
    const chart_point& last = curve.points.back();
    text += curve.name + ": " + rounded_text(first.value, 3) + " at layer " + rounded_text(first.x, 0) +
            ", " + rounded_text(last.value, 3) + " at layer " + rounded_text(last.x, 0) + ". ";
  }
  for (const chart_level& level : chart.levels)
    text += level.name + ": " + rounded_text(level.value, 3) + ". ";
  return text + "Bands are 95 % bootstrap intervals.";
}

DNALM_INLINE std::vector<const result_row*> rows_of(std::span<const result_row> rows,
                                                    const std::string& target, const std::string& metric) {
  std::vector<const result_row*> chosen;
  for (const result_row& row : rows) {
    if (row.target == target && row.metric == metric && std::isfinite(row.value)) chosen.push_back(&row);
  }
  return chosen;
}

}  // namespace detail

DNALM_INLINE std::vector<figure> make_figures(std::span<const result_row> rows) {
  std::vector<figure> figures;
  std::vector<std::string> file_names;
  for (const std::string& target : targets_of(rows)) {
    for (const std::string& metric : metrics_of(rows, target)) {
      const auto chosen = detail::rows_of(rows, target, metric);
      if (chosen.empty()) continue;
      const metric_words words = describe_metric(metric);
      std::string file = file_name_text(target) + "." + file_name_text(metric);
      while (std::find(file_names.begin(), file_names.end(), file) != file_names.end()) file += "_";
      file_names.push_back(file);
      figure f = {target, metric, "figures/" + file + ".svg", detail::make_chart(chosen)};
      f.chart.title = words.name + " for " + target + ", test part, by layer";
      f.chart.description = detail::describe_chart(f.chart);
      f.chart.x_label = "layer (0 is the token embedding)";
      f.chart.y_label = words.name;
      f.chart.lower_is_better = words.lower_is_better;
      f.chart.id = "figure-" + std::to_string(figures.size() + 1);
      figures.push_back(std::move(f));
    }
  }
  return figures;
}

}  // namespace report
DNALM_END_NAMESPACE
