// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/line_chart.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <dnalm/core/error.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/report/line_chart.hpp>
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

DNALM_INLINE nice_ticks find_ticks(double low, double high, int steps) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high || steps < 1) {
    throw error(error_kind::numeric, 580, "a drawing got an axis that cannot be drawn",
                {.expected = "finite low <= high",
                 .found = io::format_number(low) + " to " + io::format_number(high)});
  }
  const double least = std::max(1e-9, 1e-9 * std::max(std::abs(low), std::abs(high)));
  if (high - low < least) {
    const double widen = std::max(0.05, 0.05 * std::abs(low));
    low -= widen;
    high += widen;
  }
  const double raw = (high - low) / steps;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  const double step = power * (lead <= 1.0 ? 1.0 : lead <= 2.0 ? 2.0 : lead <= 5.0 ? 5.0 : 10.0);
  nice_ticks ticks;
  ticks.step = step;
  ticks.first = std::floor(low / step + 1e-9) * step;
  ticks.last = std::ceil(high / step - 1e-9) * step;
  ticks.digits = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  return ticks;
}

namespace detail {

/// Hues told apart with the common colour deficiencies (after Okabe and Ito 2008), for light and dark
/// surfaces.
struct hue {
  const char* light;
  const char* dark;
};
inline constexpr std::array<hue, 6> hues = {{{"#0072b2", "#56b4e9"},
                                             {"#d55e00", "#ff8a4c"},
                                             {"#009e73", "#2fc79a"},
                                             {"#b4559a", "#e39ac9"},
                                             {"#a87900", "#f0c04a"},
                                             {"#6a51c7", "#a99bf5"}}};

/// One set of colours: surface, words, quiet words, grid, axis, levels.
struct surroundings {
  const char* surface;
  const char* words;
  const char* quiet;
  const char* grid;
  const char* axis;
  const char* level;
};
inline constexpr surroundings light_surroundings = {"#ffffff", "#1b1f24", "#57606a",
                                                    "#e7eaee", "#8c959f", "#57606a"};
inline constexpr surroundings dark_surroundings = {"#15181d", "#e8edf2", "#9aa4af",
                                                   "#2a3038", "#6b7480", "#aab4bf"};

DNALM_INLINE std::string rule(const std::string& selector, const std::string& declarations) {
  return ".dnalm-chart " + selector + "{" + declarations + "}\n";
}

/// Colours only: the part that differs between light and dark.
DNALM_INLINE std::string colour_rules(const surroundings& s, bool dark) {
  std::string css = rule(".surface", std::string("fill:") + s.surface);
  css += rule(".words", std::string("fill:") + s.words) + rule(".quiet", std::string("fill:") + s.quiet);
  css += rule(".grid", std::string("stroke:") + s.grid) + rule(".axis", std::string("stroke:") + s.axis);
  css += rule(".level", std::string("stroke:") + s.level);
  css += rule(".level-band", std::string("fill:") + s.level);
  for (std::size_t i = 0; i < hues.size(); ++i) {
    const std::string colour = dark ? hues[i].dark : hues[i].light;
    const std::string own = ".h" + std::to_string(i);
    css += rule(own + " .curve," + ".dnalm-chart " + own + " .whisker", "stroke:" + colour);
    css += rule(own + " .band", "fill:" + colour);
    css += rule(own + " .mark", "fill:" + colour + ";stroke:" + s.surface);
    css += rule(own + ".twin .mark", "fill:" + std::string(s.surface) + ";stroke:" + colour);
  }
  return css;
}

/// Where the plot lies inside the drawing and how data turn into drawing units.
struct plot_area {
  double left = 0;
  double right = 0;
  double top = 0;
  double bottom = 0;
  double x_low = 0;
  double x_high = 1;
  double y_low = 0;
  double y_high = 1;
  int digits = 3;  // decimals of a value in words

  [[nodiscard]] double x(double value) const {
    return left + (value - x_low) / (x_high - x_low) * (right - left);
  }
  [[nodiscard]] double y(double value) const {
    return bottom - (value - y_low) / (y_high - y_low) * (bottom - top);
  }
  [[nodiscard]] point at(double x_value, double y_value) const { return {x(x_value), y(y_value)}; }
};

/// Smallest and largest of what was added.
struct extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

DNALM_INLINE bool has_interval(double low, double high) {
  return std::isfinite(low) && std::isfinite(high);
}

DNALM_INLINE void check_drawable(double x, double value, const std::string& name) {
  if (std::isfinite(x) && std::isfinite(value)) return;
  throw error(error_kind::numeric, 580, "a curve has a point that cannot be drawn",
              {.where = name,
               .expected = "finite numbers",
               .found = io::format_number(x) + ", " + io::format_number(value)});
}

DNALM_INLINE extent layer_extent(const line_chart& chart) {
  extent range;
  for (const chart_curve& curve : chart.curves) {
    for (const chart_point& p : curve.points) {
      check_drawable(p.x, p.value, curve.name);
      range.add(p.x);
    }
  }
  return range;
}

template <class Scored>
void add_scores(extent& range, const Scored& scored) {
  range.add(scored.value);
  if (!has_interval(scored.low, scored.high)) return;
  range.add(scored.low);
  range.add(scored.high);
}

DNALM_INLINE extent score_extent(const line_chart& chart) {
  extent range;
  for (const chart_curve& curve : chart.curves) {
    for (const chart_point& p : curve.points) add_scores(range, p);
  }
  for (const chart_level& level : chart.levels) {
    check_drawable(0, level.value, level.name);
    add_scores(range, level);
  }
  return range;
}

/// Characters of a UTF-8 text.
DNALM_INLINE std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// At most `limit` characters, the rest as an ellipsis.
DNALM_INLINE std::string shortened(const std::string& text, std::size_t limit) {
  if (characters(text) <= limit) return text;
  std::string cut;
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && ++count == limit) break;
    cut.push_back(c);
  }
  return cut + "\u2026";
}

/// About how wide a text is at 12 px in a system font; names of motifs are capitals, which are wider.
DNALM_INLINE double text_width(const std::string& text) {
  const auto capitals = std::count_if(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return 6.5 * static_cast<double>(characters(text)) + 2.8 * static_cast<double>(capitals);
}

/// The marker of a hue: disc, square, triangle, diamond, in turn; never told apart by colour alone.
DNALM_INLINE void draw_marker(svg_drawing& drawing, point p, index_t colour) {
  switch (colour % 4) {
    case 0: drawing.circle(p, 4.2, "mark"); break;
    case 1: drawing.rectangle({p.x - 3.8, p.y - 3.8}, 7.6, 7.6, "mark"); break;
    case 2:
      drawing.polygon({{p.x, p.y - 5.2}, {p.x + 4.8, p.y + 3.6}, {p.x - 4.8, p.y + 3.6}}, "mark");
      break;
    default:
      drawing.polygon({{p.x, p.y - 5.4}, {p.x + 5, p.y}, {p.x, p.y + 5.4}, {p.x - 5, p.y}}, "mark");
      break;
  }
}

DNALM_INLINE std::string curve_class(const chart_curve& curve) {
  const auto colour = static_cast<std::size_t>(curve.colour) % hues.size();
  return "h" + std::to_string(colour) + (curve.style == curve_style::twin ? " twin" : "");
}

DNALM_INLINE std::string interval_text(double value, double low, double high, int digits) {
  std::string text = rounded_text(value, digits);
  if (has_interval(low, high)) {
    text.append(" [").append(rounded_text(low, digits)).append(", ");
    text.append(rounded_text(high, digits)).append("]");
  }
  return text;
}

/// Rows of legend entries, each a short sample of the curve and its name.
class legend {
 public:
  legend(const line_chart& chart, double left, double right) {
    point at = {left, 0};
    for (const chart_curve& curve : chart.curves) {
      const std::string name = shortened(curve.name, 60);
      const double width = 40 + text_width(name) + 18;
      if (at.x > left && at.x + width > right) at = {left, at.y + 22};
      entries_.push_back({&curve, name, at});
      at.x += width;
    }
    height_ = entries_.empty() ? 0 : at.y + 22;
  }
  [[nodiscard]] double height() const { return height_; }
  void draw_on(svg_drawing& drawing, double top) const {
    for (const entry& e : entries_) {
      const point p = {e.at.x, e.at.y + top};
      drawing.begin_group(curve_class(*e.curve), e.curve->name);
      drawing.line(p, {p.x + 30, p.y}, "curve");
      draw_marker(drawing, {p.x + 15, p.y}, e.curve->colour);
      drawing.text({p.x + 38, p.y + 4}, e.name, "words");
      drawing.end_group();
    }
  }

 private:
  struct entry {
    const chart_curve* curve;
    std::string name;
    point at;
  };
  std::vector<entry> entries_;
  double height_ = 0;
};

DNALM_INLINE void draw_y_axis(svg_drawing& drawing, const plot_area& area, const nice_ticks& ticks,
                              const std::string& label) {
  const auto count = static_cast<int>(std::llround((ticks.last - ticks.first) / ticks.step));
  for (int i = 0; i <= count; ++i) {
    const double value = ticks.first + i * ticks.step;
    const double y = area.y(value);
    const bool zero = std::abs(value) < 1e-9 * ticks.step;
    drawing.line({area.left, y}, {area.right, y}, zero ? "axis" : "grid");
    drawing.text({area.left - 10, y + 4}, rounded_text(zero ? 0.0 : value, ticks.digits), "quiet number",
                 text_anchor::end);
  }
  drawing.text({18, (area.top + area.bottom) / 2}, label, "words", text_anchor::middle, -90);
}

DNALM_INLINE void draw_x_axis(svg_drawing& drawing, const plot_area& area, const extent& layers,
                              const std::string& label) {
  drawing.line({area.left, area.bottom}, {area.right, area.bottom}, "axis");
  const double span = layers.high - layers.low;
  const double step = span <= 16 ? 1.0 : std::max(1.0, find_ticks(layers.low, layers.high, 10).step);
  for (double value = std::ceil(layers.low / step) * step; value <= layers.high + 1e-9; value += step) {
    drawing.line(area.at(value, area.y_low), {area.x(value), area.bottom + 5}, "axis");
    drawing.text({area.x(value), area.bottom + 20}, rounded_text(value, 0), "quiet number",
                 text_anchor::middle);
  }
  drawing.text({(area.left + area.right) / 2, area.bottom + 42}, label, "words", text_anchor::middle);
}

/// Heights for labels that want to stand at `wanted`, at least `gap` apart, inside [low, high].
DNALM_INLINE std::vector<double> spread_labels(const std::vector<double>& wanted, double gap, double low,
                                               double high) {
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return wanted[a] != wanted[b] ? wanted[a] < wanted[b] : a < b;
  });
  std::vector<double> at = wanted;
  double free = low;
  for (const std::size_t i : order) {
    at[i] = std::max(wanted[i], free);
    free = at[i] + gap;
  }
  double limit = high;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    at[*i] = std::min(at[*i], limit);
    limit = at[*i] - gap;
  }
  return at;
}

DNALM_INLINE void draw_levels(svg_drawing& drawing, const plot_area& area,
                              const std::vector<chart_level>& levels) {
  std::vector<double> wanted;
  for (const chart_level& level : levels) wanted.push_back(area.y(level.value));
  const std::vector<double> labels = spread_labels(wanted, 15, area.top + 6, area.bottom - 4);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const chart_level& level = levels[i];
    drawing.begin_group("d" + std::to_string(i % 3),
                        level.name + ": " + interval_text(level.value, level.low, level.high, area.digits));
    if (has_interval(level.low, level.high)) {
      const double top = area.y(level.high);
      drawing.rectangle({area.left, top}, area.right - area.left, area.y(level.low) - top, "level-band");
    }
    drawing.line({area.left, wanted[i]}, {area.right, wanted[i]}, "level");
    drawing.line({area.right, wanted[i]}, {area.right + 10, labels[i]}, "leader axis");
    drawing.text({area.right + 14, labels[i] + 4},
                 shortened(level.name, 16) + "  " + rounded_text(level.value, 2), "words");
    drawing.end_group();
  }
}

/// The interval as a band along the curve; a lone point gets a whisker.
DNALM_INLINE void draw_interval(svg_drawing& drawing, const plot_area& area,
                                const std::vector<chart_point>& points) {
  std::vector<point> outline;
  for (const chart_point& p : points) {
    if (!has_interval(p.low, p.high)) return;
    outline.push_back(area.at(p.x, p.high));
  }
  if (points.size() == 1) {
    drawing.line(area.at(points[0].x, points[0].low), area.at(points[0].x, points[0].high), "whisker");
    return;
  }
  for (auto p = points.rbegin(); p != points.rend(); ++p) outline.push_back(area.at(p->x, p->low));
  drawing.polygon(outline, "band");
}

DNALM_INLINE void draw_curve(svg_drawing& drawing, const plot_area& area, const chart_curve& curve,
                             const std::string& x_label) {
  std::vector<point> path;
  for (const chart_point& p : curve.points) path.push_back(area.at(p.x, p.value));
  drawing.begin_group(curve_class(curve));
  if (path.size() > 1) drawing.polyline(path, "curve");
  for (std::size_t i = 0; i < path.size(); ++i) {
    const chart_point& p = curve.points[i];
    drawing.begin_group("point", curve.name + ", " + x_label + " " + rounded_text(p.x, 0) + ": " +
                                     interval_text(p.value, p.low, p.high, area.digits));
    drawing.circle(path[i], 11, "hit");
    draw_marker(drawing, path[i], curve.colour);
    drawing.end_group();
  }
  drawing.end_group();
}

/// The value beside the best point of a curve.
DNALM_INLINE void label_best(svg_drawing& drawing, const plot_area& area, const chart_curve& curve,
                             bool lower_is_better) {
  const auto worse = [&](const chart_point& a, const chart_point& b) {
    return lower_is_better ? a.value > b.value : a.value < b.value;
  };
  const auto best = std::max_element(curve.points.begin(), curve.points.end(), worse);
  if (best == curve.points.end()) return;
  const point p = area.at(best->x, best->value);
  const double y = lower_is_better ? std::min(p.y + 20, area.bottom - 4) : std::max(p.y - 10, area.top + 10);
  drawing.text({p.x, y}, rounded_text(best->value, 2), "words best number", text_anchor::middle);
}

/// The bands lie under all curves, the labels above.
DNALM_INLINE void draw_curves(svg_drawing& drawing, const plot_area& area, const line_chart& chart) {
  for (const chart_curve& curve : chart.curves) {
    if (curve.points.empty()) continue;
    drawing.begin_group(curve_class(curve));
    draw_interval(drawing, area, curve.points);
    drawing.end_group();
  }
  const auto models = std::count_if(chart.curves.begin(), chart.curves.end(), [](const chart_curve& curve) {
    return curve.style == curve_style::model;
  });
  for (const bool twins : {true, false}) {
    for (const chart_curve& curve : chart.curves) {
      if ((curve.style == curve_style::twin) == twins) draw_curve(drawing, area, curve, chart.x_label);
    }
  }
  for (const chart_curve& curve : chart.curves) {
    if (chart.label_best && curve.style == curve_style::model && models <= 3) {
      label_best(drawing, area, curve, chart.lower_is_better);
    }
  }
}

}  // namespace detail

DNALM_INLINE std::string chart_style() {
  using detail::rule;
  std::string css =
      ".dnalm-chart{font:12px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica "
      "Neue\",Arial,sans-serif;"
      "max-width:100%;height:auto}\n";
  css += rule(".heading", "font-size:14px;font-weight:600");
  css += rule(".number", "font-variant-numeric:tabular-nums") + rule(".best", "font-weight:600");
  css += rule(".grid", "stroke-width:1") + rule(".axis", "stroke-width:1");
  css += rule(".level", "stroke-width:1.5") + rule(".level-band", "opacity:.1");
  css += rule(".d0 .level", "stroke-dasharray:7 4") + rule(".d1 .level", "stroke-dasharray:2 3");
  css += rule(".d2 .level", "stroke-dasharray:9 3 2 3") + rule(".leader", "opacity:.7");
  css += rule(".curve", "fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round");
  css += rule(".whisker", "stroke-width:2;opacity:.6") + rule(".band", "opacity:.16");
  css += rule(".mark", "stroke-width:1.5") + rule(".hit", "fill:transparent");
  css += rule(".twin .curve", "stroke-dasharray:5 4;opacity:.85") + rule(".twin .band", "opacity:.09");
  css += rule(".point:hover .mark", "stroke-width:4");
  css += detail::colour_rules(detail::light_surroundings, false);
  css +=
      "@media (prefers-color-scheme:dark){\n" + detail::colour_rules(detail::dark_surroundings, true) + "}\n";
  return css;
}

DNALM_INLINE std::string draw(const line_chart& chart) {
  using namespace detail;
  extent layers = layer_extent(chart);
  const extent scores = score_extent(chart);
  if (scores.empty()) {
    throw error(error_kind::input, 582, "a chart has nothing to draw", {.where = chart.title});
  }
  if (layers.empty()) layers.add(0);
  const nice_ticks ticks = find_ticks(scores.low, scores.high, 6);
  const double width = 860;
  plot_area area;
  area.left = 72;
  area.right = width - (chart.levels.empty() ? 28 : 158);
  const legend names(chart, area.left, width - 20);
  area.top = 44 + names.height() + 8;
  area.bottom = area.top + 300;
  const double pad = layers.high > layers.low ? 0.03 * (layers.high - layers.low) : 1.0;
  area.x_low = layers.low - pad;
  area.x_high = layers.high + pad;
  area.y_low = ticks.first;
  area.y_high = ticks.last;
  area.digits = std::max(3, ticks.digits + 1);

  svg_drawing drawing({.width = width,
                       .height = area.bottom + 58,
                       .title = chart.title,
                       .description = chart.description,
                       .id = chart.id,
                       .style = chart.standalone ? chart_style() : std::string()});
  drawing.rectangle({0, 0}, width, area.bottom + 58, "surface", 10);
  drawing.text({area.left, 26}, shortened(chart.title, 100), "words heading");
  names.draw_on(drawing, 50);
  draw_y_axis(drawing, area, ticks, chart.y_label);
  if (!chart.curves.empty()) draw_x_axis(drawing, area, layers, chart.x_label);
  draw_levels(drawing, area, chart.levels);
  draw_curves(drawing, area, chart);
  return drawing.finish();
}

}  // namespace report
DNALM_END_NAMESPACE
