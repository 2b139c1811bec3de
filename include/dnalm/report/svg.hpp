// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A small writer of SVG drawings: shapes, text, groups; every text escaped, every number finite.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// A point in drawing units; y grows downwards.
struct point {
  double x = 0;
  double y = 0;
};

/// Where a text stands relative to its point.
enum class text_anchor { start, middle, end };

/// Size, accessible description and style of a drawing.
struct svg_frame {
  double width = 0;
  double height = 0;
  std::string title = {};        ///< read out by screen readers, shown as a tool tip
  std::string description = {};  ///< one or two sentences that say what the drawing shows; may be empty
  std::string id = {};           ///< prefix of element ids; unique on a page that holds several drawings
  std::string style = {};        ///< CSS; empty when the page around the drawing has it
};

/// Builds one `<svg>` element. Looks come from CSS classes (`css_class` may hold several, separated by
/// spaces).
///
/// Coordinates are written with at most two decimals. \throws error [dnalm.numeric.580] for NaN or infinity,
/// error [dnalm.internal.581] when groups do not close.
class svg_drawing {
 public:
  explicit svg_drawing(const svg_frame& frame);

  void line(point from, point to, std::string_view css_class);
  void polyline(const std::vector<point>& points, std::string_view css_class);
  void polygon(const std::vector<point>& points, std::string_view css_class);
  void rectangle(point corner, double width, double height, std::string_view css_class, double radius = 0);
  void circle(point centre, double radius, std::string_view css_class);
  /// An outline in SVG's own words (`M0 0 L1 1 ...`), filled with `colour` unless that is empty.
  void path(std::string_view data, std::string_view css_class, std::string_view colour = {});
  /// Keeps an outline for `place`, without drawing it. `id` must be unique on a page.
  void define(std::string_view id, std::string_view data, std::string_view colour);
  /// Draws a kept outline: its point (u, v) comes to (corner.x + u * width, corner.y + v * height).
  void place(std::string_view id, point corner, double width, double height);
  void text(point at, std::string_view words, std::string_view css_class,
            text_anchor anchor = text_anchor::start, double rotation = 0);
  /// Opens a group; `tip` (may be empty) appears when the pointer rests on any of its shapes.
  void begin_group(std::string_view css_class, std::string_view tip = {});
  void end_group();
  /// The finished element, `<svg ...>...</svg>` and a line break.
  [[nodiscard]] std::string finish() const;

 private:
  void shape(std::string_view element, const std::string& attributes, std::string_view css_class);

  std::string body_;
  int open_groups_ = 0;
};

/// A coordinate as drawings write it: at most two decimals. \throws error [dnalm.numeric.580] for NaN,
/// infinity or a number beyond 1e7.
[[nodiscard]] std::string coordinate_text(double value);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/svg_impl.hpp>
#endif
