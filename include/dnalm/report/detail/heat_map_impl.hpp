// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/heat_map.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include <dnalm/core/error.hpp>
#include <dnalm/report/detail/map_style.hpp>
#include <dnalm/report/heat_map.hpp>
#include <dnalm/report/line_chart.hpp>
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

using map_colour = std::array<double, 3>;
inline constexpr std::array<map_colour, 5> sequential_colours = {
    {{255, 255, 255}, {188, 214, 238}, {96, 160, 212}, {26, 96, 166}, {6, 36, 86}}};
inline constexpr std::array<map_colour, 5> diverging_colours = {
    {{18, 58, 130}, {116, 166, 214}, {250, 250, 250}, {226, 150, 84}, {134, 52, 8}}};
constexpr int colour_steps = 64;

/// `#rrggbb` of one of the steps, between five fixed colours.
[[nodiscard]] inline std::string step_colour(colour_scale scale, int step) {
  const auto& fixed = scale == colour_scale::sequential ? sequential_colours : diverging_colours;
  const double place = 4.0 * step / (colour_steps - 1);
  const auto before = static_cast<std::size_t>(std::min(3.0, std::floor(place)));
  const double part = place - static_cast<double>(before);
  std::array<unsigned, 3> parts{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value = fixed[before][i] + part * (fixed[before + 1][i] - fixed[before][i]);
    parts[i] = static_cast<unsigned>(std::lround(value));
  }
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", parts[0] & 0xFFU, parts[1] & 0xFFU, parts[2] & 0xFFU);
  return text;
}

/// What is drawn: a table small enough, and the numbers at both ends of the scale.
struct heat_cells {
  index_t rows = 0;
  index_t columns = 0;
  index_t block = 1;  // rows and columns of the map in a cell
  std::vector<double> values = {};
  double low = 0;
  double high = 1;

  [[nodiscard]] double value(index_t row, index_t column) const {
    return values[static_cast<std::size_t>(row * columns + column)];
  }
  /// The step of a number's colour, -1 for NaN.
  [[nodiscard]] int step(double number) const {
    if (std::isnan(number)) return -1;
    const double place = (number - low) / (high - low) * colour_steps;
    return std::clamp(static_cast<int>(place), 0, colour_steps - 1);
  }
};

inline void check_heat_map(const heat_map& map) {
  const bool sized = map.rows >= 1 && map.columns >= 1 &&
                     static_cast<index_t>(map.values.size()) == checked_mul(map.rows, map.columns);
  bool number = false;
  for (std::size_t i = 0; sized && i < map.values.size(); ++i) {
    if (std::isnan(map.values[i])) continue;
    check_map_number(map.values[i], i, map.title);
    number = true;
  }
  if (number) return;
  throw error(error_kind::input, 582, "a heat map has nothing to show",
              {.where = "\"" + map.title + "\"",
               .expected = "a table of the size stated, with a number in it",
               .found = std::to_string(map.rows) + " x " + std::to_string(map.columns) + ", " +
                        std::to_string(map.values.size()) + " numbers"});
}

/// Blocks of the table, each with its number of the largest magnitude; NaN where it has none.
[[nodiscard]] inline heat_cells gather_cells(const heat_map& map) {
  heat_cells cells;
  cells.block = (std::max(map.rows, map.columns) + 279) / 280;
  cells.rows = (map.rows + cells.block - 1) / cells.block;
  cells.columns = (map.columns + cells.block - 1) / cells.block;
  cells.values.assign(static_cast<std::size_t>(cells.rows * cells.columns),
                      std::numeric_limits<double>::quiet_NaN());
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (index_t r = 0; r < map.rows; ++r) {
    for (index_t c = 0; c < map.columns; ++c) {
      const double number = map.values[static_cast<std::size_t>(r * map.columns + c)];
      if (std::isnan(number)) continue;
      least = std::min(least, number);
      most = std::max(most, number);
      double& cell =
          cells.values[static_cast<std::size_t>(r / cells.block * cells.columns + c / cells.block)];
      if (std::isnan(cell) || std::abs(number) > std::abs(cell)) cell = number;
    }
  }
  const double magnitude = std::max(std::abs(least), std::abs(most));
  const bool diverging = map.scale == colour_scale::diverging;
  cells.low = diverging ? -magnitude : std::min(0.0, least);
  cells.high = diverging ? magnitude : most;
  if (!(cells.high > cells.low)) cells.high = cells.low + 1;
  return cells;
}

/// A heat map on its page.
class heat_page {
 public:
  explicit heat_page(const heat_map& map) : map_(map) {
    check_heat_map(map);
    cells_ = gather_cells(map);
    side_ = std::min(24.0, 560.0 / static_cast<double>(std::max(cells_.rows, cells_.columns)));
    left_ = std::max(72.0, 31 + number_width() + (shows(map.y_letters, map.rows) ? 16 : 0));
    right_ = left_ + side_ * static_cast<double>(cells_.columns);
    bottom_ = top + std::max(120.0, side_ * static_cast<double>(cells_.rows));
    foot_ = top + side_ * static_cast<double>(cells_.rows);
  }

  [[nodiscard]] std::string draw() const {
    const double width = std::max({right_ + 120, title_end(left_, map_.title), 320.0});
    const bool letters = shows(map_.x_letters, map_.columns);
    const double height = bottom_ + (cells_.block > 1 || letters ? 68 : 50);
    svg_drawing drawing({.width = width,
                         .height = height,
                         .title = map_.title,
                         .description = map_.description,
                         .id = map_.id,
                         .style = map_style()});
    drawing.rectangle({0, 0}, width, height, "map-paper");
    drawing.text({left_, 20}, map_.title, "map-title");
    draw_cells(drawing);
    drawing.rectangle({left_, top}, right_ - left_, foot_ - top, "map-frame");
    draw_columns(drawing);
    draw_rows(drawing);
    draw_bar(drawing);
    if (cells_.block > 1) {
      const std::string side = std::to_string(cells_.block);
      drawing.text({left_, foot_ + 58}, "Each cell: the largest magnitude of " + side + " \u00d7 " + side,
                   "map-words");
    }
    return drawing.finish();
  }

 private:
  static constexpr double top = 36;

  /// Runs of one colour in a row are one rectangle, all rectangles of a colour one path.
  void draw_cells(svg_drawing& drawing) const {
    std::array<std::string, colour_steps + 1> paths;  // the last for NaN
    for (index_t r = 0; r < cells_.rows; ++r) {
      for (index_t c = 0; c < cells_.columns;) {
        const int step = cells_.step(cells_.value(r, c));
        index_t stop = c + 1;
        while (stop < cells_.columns && cells_.step(cells_.value(r, stop)) == step) ++stop;
        const double y = top + side_ * static_cast<double>(r);
        std::string& path = paths[static_cast<std::size_t>(step < 0 ? colour_steps : step)];
        path.append("M").append(coordinate_text(left_ + side_ * static_cast<double>(c)));
        path.append(" ").append(coordinate_text(y)).append("H");
        path.append(coordinate_text(left_ + side_ * static_cast<double>(stop))).append("V");
        path.append(coordinate_text(y + side_)).append("H");
        path.append(coordinate_text(left_ + side_ * static_cast<double>(c))).append("Z");
        c = stop;
      }
    }
    for (int step = 0; step <= colour_steps; ++step) {
      const std::string& path = paths[static_cast<std::size_t>(step)];
      if (path.empty()) continue;
      drawing.path(path, "map-cells", step == colour_steps ? "#9aa0a6" : step_colour(map_.scale, step));
    }
  }

  [[nodiscard]] index_t number_of(index_t row) const {
    return map_.falling ? map_.first_position - row : map_.first_position + row;
  }

  /// Room for the longest number of a row or column.
  [[nodiscard]] double number_width() const {
    const std::string last = std::to_string(number_of(std::max(map_.rows, map_.columns) - 1));
    return 8.0 * static_cast<double>(std::max(std::to_string(map_.first_position).size(), last.size()));
  }

  /// Rows or columns between two marks: 1, 2 or 5 times a power of ten, marks at least 36 units apart, and so
  /// far that their numbers do not touch.
  [[nodiscard]] index_t mark_distance() const {
    const double base = side_ / static_cast<double>(cells_.block);
    const double apart = std::max(36.0, number_width() + 10);
    index_t power = 1;
    for (;;) {
      for (const index_t lead : {1, 2, 5}) {
        if (static_cast<double>(lead * power) * base >= apart) return lead * power;
      }
      power *= 10;
    }
  }

  template <class Mark>
  void for_each_mark(index_t length, Mark&& mark) const {
    const index_t every = mark_distance();
    for (index_t i = 0; i < length; ++i) {
      const index_t position = number_of(i);
      if (position % every != 0) continue;
      mark((static_cast<double>(i) + 0.5) * side_ / static_cast<double>(cells_.block), position);
    }
  }

  [[nodiscard]] bool shows(const std::string& letters, index_t length) const {
    return cells_.block == 1 && side_ >= 9 && static_cast<index_t>(letters.size()) == length;
  }
  /// Letters of neighbouring rows stay apart.
  [[nodiscard]] const char* letter_class() const { return side_ < 14 ? "map-small" : "map-words"; }

  void draw_columns(svg_drawing& drawing) const {
    const bool letters = shows(map_.x_letters, map_.columns);
    for (index_t c = 0; letters && c < map_.columns; ++c) {
      const double x = left_ + (static_cast<double>(c) + 0.5) * side_;
      drawing.text({x, foot_ + 13}, map_.x_letters.substr(static_cast<std::size_t>(c), 1), letter_class(),
                   text_anchor::middle);
    }
    const double y = foot_ + (letters ? 16 : 0);
    for_each_mark(map_.columns, [&](double at, index_t position) {
      drawing.line({left_ + at, y}, {left_ + at, y + 4}, "map-axis");
      drawing.text({left_ + at, y + 16}, std::to_string(position), "map-words", text_anchor::middle);
    });
    drawing.text({(left_ + right_) / 2, y + 34}, map_.x_label, "map-words", text_anchor::middle);
  }

  void draw_rows(svg_drawing& drawing) const {
    const bool letters = shows(map_.y_letters, map_.rows);
    for (index_t r = 0; letters && r < map_.rows; ++r) {
      const double y = top + (static_cast<double>(r) + 0.5) * side_;
      drawing.text({left_ - 9, y + (side_ < 14 ? 3 : 4)},
                   map_.y_letters.substr(static_cast<std::size_t>(r), 1), letter_class(),
                   text_anchor::middle);
    }
    const double x = left_ - (letters ? 16 : 0);
    for_each_mark(map_.rows, [&](double at, index_t position) {
      drawing.line({x - 4, top + at}, {x, top + at}, "map-axis");
      drawing.text({x - 7, top + at + 4}, std::to_string(position), "map-words", text_anchor::end);
    });
    drawing.text({16, (top + foot_) / 2}, map_.y_label, "map-words", text_anchor::middle, -90);
  }

  void draw_bar(svg_drawing& drawing) const {
    const double x = right_ + 20;
    const double height = std::min(bottom_ - top, 240.0);
    for (int step = 0; step < colour_steps; ++step) {
      const double upper = top + height * (colour_steps - 1 - step) / colour_steps;
      const std::string path = "M" + coordinate_text(x) + " " + coordinate_text(upper) + "h14v" +
                               coordinate_text(height / colour_steps + 0.5) + "h-14Z";
      drawing.path(path, "map-cells", step_colour(map_.scale, step));
    }
    drawing.rectangle({x, top}, 14, height, "map-frame");
    const int power = decimal_power(std::max(std::abs(cells_.low), std::abs(cells_.high)));
    const double scale = std::pow(10.0, -power);
    const nice_ticks ticks = find_ticks(cells_.low * scale, cells_.high * scale, 5);
    const auto steps = std::lround((ticks.last - ticks.first) / ticks.step);
    double widest = 0;
    for (long i = 0; i <= steps; ++i) {
      const double value = (ticks.first + static_cast<double>(i) * ticks.step) / scale;
      const double place = (cells_.high - value) / (cells_.high - cells_.low);
      if (place < -1e-9 || place > 1 + 1e-9) continue;
      const double y = top + place * height;
      drawing.line({x + 14, y}, {x + 18, y}, "map-axis");
      const std::string number = rounded_text(value * scale, ticks.digits);
      drawing.text({x + 21, y + 4}, number, "map-words");
      widest = std::max(widest, words_width(number));
    }
    drawing.text({x + 37 + widest, top + height / 2}, scaled_label(map_.value_label, power), "map-words",
                 text_anchor::middle, -90);
  }

  const heat_map& map_;
  heat_cells cells_;
  double side_ = 1;    // of a cell
  double left_ = 0;    // of the cells, beside letters, numbers and label
  double right_ = 0;   // of the cells
  double foot_ = 0;    // of the cells
  double bottom_ = 0;  // of cells and colour bar
};

}  // namespace detail

DNALM_INLINE std::string draw(const heat_map& map) {
  return detail::heat_page(map).draw();
}

}  // namespace report
DNALM_END_NAMESPACE
