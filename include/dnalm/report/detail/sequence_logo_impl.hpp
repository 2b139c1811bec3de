// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/sequence_logo.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include <dnalm/core/error.hpp>
#include <dnalm/report/detail/map_style.hpp>
#include <dnalm/report/line_chart.hpp>
#include <dnalm/report/sequence_logo.hpp>
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// A letter in the unit square, its foot at v = 0, and its colour.
struct logo_letter {
  const char* name;
  const char* outline;
  const char* colour;
};
inline constexpr std::array<logo_letter, 4> logo_letters = {
    {{"A", "M0 0L.37 1L.63 1L1 0L.79 0L.72 .23L.28 .23L.21 0ZM.335 .4L.665 .4L.5 .86Z", "#008000"},
     {"C",
      "M1 .66C.95 .88 .78 1 .53 1C.2 1 0 .8 0 .5C0 .2 .2 0 .53 0C.78 0 .95 .12 1 .34L.8 .38C.77 .23 .67 .15 "
      ".53 .15C.32 .15 .2 .28 .2 .5C.2 .72 .32 .85 .53 .85C.67 .85 .77 .77 .8 .62Z",
      "#0000ff"},
     {"G",
      "M.98 .68C.93 .89 .77 1 .53 1C.2 1 0 .8 0 .5C0 .2 .2 0 .52 0C.72 0 .88 .06 1 .17L1 .54L.54 .54L.54 .39"
      "L.81 .39L.81 .25C.74 .18 .64 .15 .53 .15C.32 .15 .2 .28 .2 .5C.2 .72 .32 .85 .53 .85C.66 .85 .75 .78 "
      ".78 .65Z",
      "#ffa600"},
     {"T", "M0 1L1 1L1 .85L.6 .85L.6 0L.4 0L.4 .85L0 .85Z", "#ff0000"}}};

/// The lines of a logo and how numbers become heights.
class logo_page {
 public:
  explicit logo_page(const sequence_logo& logo) : logo_(logo), columns_(logo.columns) {
    check();
    columns_ = std::min(columns_, logo.values.length);
    const index_t largest = std::max(logo.first_position, position(logo.values.length - 1));
    position_width_ = words_width(std::to_string(largest));
    const double right = std::max(12.0, position_width_ / 2);
    width_ = std::max(left + static_cast<double>(columns_) * logo.letter_width + right, 240.0);
    width_ = std::max(width_, title_end(left, logo.title));
    for (index_t i = 0; i < logo.values.length; ++i) {
      double below = 0;
      double above = 0;
      for (index_t a = 0; a < 4; ++a) (logo.values(a, i) < 0 ? below : above) += logo.values(a, i);
      low_ = std::min(low_, below);
      high_ = std::max(high_, above);
    }
    power_ = decimal_power(std::max(high_, -low_));
    scale_ = std::pow(10.0, -power_);
    low_ *= scale_;
    high_ *= scale_;
    if (low_ == high_) high_ = 1;
  }

  [[nodiscard]] std::string draw() const {
    const index_t lines = (logo_.values.length + columns_ - 1) / columns_;
    const double height = top + static_cast<double>(lines) * pitch() + 4;
    svg_drawing drawing({.width = width_,
                         .height = height,
                         .title = logo_.title,
                         .description = logo_.description,
                         .id = logo_.id,
                         .style = map_style()});
    drawing.rectangle({0, 0}, width_, height, "map-paper");
    drawing.text({left, 20}, logo_.title, "map-title");
    for (const logo_letter& letter : logo_letters)
      drawing.define(id_of(letter), letter.outline, letter.colour);
    for (index_t line = 0; line < lines; ++line) draw_line(drawing, line);
    return drawing.finish();
  }

 private:
  static constexpr double left = 64;
  static constexpr double top = 34;
  static constexpr double foot = 34;         // under the letters of a line
  static constexpr double label_foot = 16;   // more of it where stretches are marked
  static constexpr double note_width = 6.2;  // of a letter of a label, about

  void check() const {
    const nucleotide_map& map = logo_.values;
    const bool room = logo_.columns >= 1 && logo_.letter_width > 0 && logo_.line_height > 0;
    if (map.length < 1 || static_cast<index_t>(map.values.size()) != 4 * map.length || !room) {
      throw error(
          error_kind::input, 582, "a logo has nothing to show",
          {.where = "\"" + logo_.title + "\"", .expected = "a (4, L) map and lines with room for it"});
    }
    if (map.length > 20000) {
      throw error(error_kind::input, 597, "a map is too large to be drawn",
                  {.where = "\"" + logo_.title + "\"",
                   .expected = "at most 20000 columns; draw a part of it",
                   .found = std::to_string(map.length)});
    }
    for (std::size_t i = 0; i < map.values.size(); ++i) check_map_number(map.values[i], i, logo_.title);
  }

  [[nodiscard]] double pitch() const {
    return logo_.line_height + foot + (logo_.marks.empty() ? 0 : label_foot);
  }
  [[nodiscard]] std::string id_of(const logo_letter& letter) const { return logo_.id + "-" + letter.name; }
  [[nodiscard]] double height_of(double value) const {
    return value * scale_ / (high_ - low_) * logo_.line_height;
  }

  void draw_line(svg_drawing& drawing, index_t line) const {
    const double upper = top + static_cast<double>(line) * pitch();
    const double zero = upper + high_ / (high_ - low_) * logo_.line_height;
    const index_t begin = line * columns_;
    const index_t end = std::min(begin + columns_, logo_.values.length);
    const double stop = left + static_cast<double>(end - begin) * logo_.letter_width;
    draw_marks(drawing, begin, end, upper);
    draw_value_axis(drawing, upper, stop);
    for (index_t i = begin; i < end; ++i) {
      draw_column(drawing, i, left + static_cast<double>(i - begin) * logo_.letter_width, zero);
    }
    drawing.line({left, zero}, {stop, zero}, "map-axis");
    draw_positions(drawing, begin, end, upper + logo_.line_height);
  }

  void draw_marks(svg_drawing& drawing, index_t begin, index_t end, double upper) const {
    double taken = 0;  // where the last label ends
    for (const logo_mark& mark : logo_.marks) {
      const index_t first = std::max(begin, mark.first);
      const index_t columns = std::min(end, checked_add(mark.first, mark.length)) - first;
      if (columns <= 0) continue;
      const double x = left + static_cast<double>(first - begin) * logo_.letter_width;
      const double width = static_cast<double>(columns) * logo_.letter_width;
      drawing.begin_group("map-mark", mark.tip);
      drawing.rectangle({x, upper}, width, logo_.line_height, "map-ground");
      const double half = 0.5 * note_width * static_cast<double>(mark.label.size());
      if (!mark.label.empty() && x + width / 2 - half >= taken) {
        drawing.text({x + width / 2, upper + logo_.line_height + foot - 2}, mark.label, "map-note",
                     text_anchor::middle);
        taken = x + width / 2 + half;
      }
      drawing.end_group();
    }
  }

  void draw_value_axis(svg_drawing& drawing, double upper, double stop) const {
    const nice_ticks ticks = find_ticks(low_, high_, 5);
    const auto steps = std::lround((ticks.last - ticks.first) / ticks.step);
    for (long i = 0; i <= steps; ++i) {
      const double value = ticks.first + static_cast<double>(i) * ticks.step;
      const double place = (high_ - value) / (high_ - low_);
      if (place < -1e-9 || place > 1 + 1e-9) continue;
      const double y = upper + place * logo_.line_height;
      drawing.line({left, y}, {stop, y}, "map-grid");
      drawing.line({left - 4, y}, {left, y}, "map-axis");
      drawing.text({left - 7, y + 4}, rounded_text(value, ticks.digits), "map-words", text_anchor::end);
    }
    drawing.line({left, upper}, {left, upper + logo_.line_height}, "map-axis");
    drawing.text({14, upper + logo_.line_height / 2}, scaled_label(logo_.y_label, power_), "map-words",
                 text_anchor::middle, -90);
  }

  void draw_column(svg_drawing& drawing, index_t i, double x, double zero) const {
    std::array<index_t, 4> order{0, 1, 2, 3};
    std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) {
      return std::abs(logo_.values(a, i)) < std::abs(logo_.values(b, i));
    });
    double above = zero;
    double below = zero;
    for (const index_t a : order) {
      const double height = height_of(logo_.values(a, i));
      if (std::abs(height) < 0.02) continue;
      double& edge = height > 0 ? above : below;
      // v grows upwards in the outlines, so -height turns a positive letter upright and a negative one over.
      drawing.place(id_of(logo_letters[static_cast<std::size_t>(a)]), {x + 0.02 * logo_.letter_width, edge},
                    0.96 * logo_.letter_width, -height);
      edge -= height;
    }
  }

  void draw_positions(svg_drawing& drawing, index_t begin, index_t end, double y) const {
    const index_t every = mark_distance();
    for (index_t i = begin; i < end; ++i) {
      if (position(i) % every != 0 && (i != 0 || next_mark(every) < position_width_ + 6)) continue;
      const double x = left + (static_cast<double>(i - begin) + 0.5) * logo_.letter_width;
      drawing.line({x, y}, {x, y + 4}, "map-axis");
      drawing.text({x, y + 17}, std::to_string(position(i)), "map-words", text_anchor::middle);
    }
  }

  [[nodiscard]] index_t position(index_t column) const {
    return logo_.falling ? logo_.first_position - column : logo_.first_position + column;
  }
  /// Columns between two marks, so far that their numbers do not touch.
  [[nodiscard]] index_t mark_distance() const {
    index_t every = 10;
    while (static_cast<double>(every) * logo_.letter_width < std::max(44.0, position_width_ + 6)) every *= 2;
    return every;
  }
  /// From the first column to the first mark.
  [[nodiscard]] double next_mark(index_t every) const {
    const index_t over = logo_.first_position % every;
    return static_cast<double>(logo_.falling ? over : every - over) * logo_.letter_width;
  }

  const sequence_logo& logo_;
  index_t columns_;
  double width_ = 0;
  double position_width_ = 0;  // of the longest number of a position
  int power_ = 0;
  double scale_ = 1;
  double low_ = 0;  // ends of the scale, in units of the power of ten
  double high_ = 0;
};

}  // namespace detail

DNALM_INLINE std::string draw(const sequence_logo& logo) {
  return detail::logo_page(logo).draw();
}

}  // namespace report
DNALM_END_NAMESPACE
