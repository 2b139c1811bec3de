// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Heat maps: a table of numbers as colours, as dependency maps are shown.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// How numbers become colours. Both are told apart with colour-blind eyes, by their lightness.
enum class colour_scale {
  sequential,  ///< white at the smallest number (at 0, if none is below) to dark blue
  diverging    ///< blue below 0, white at 0, brown above; as far below as above
};

/// A heat map of a (rows, columns) table.
struct heat_map {
  std::string title = {};
  std::string description = {};
  index_t rows = 0;
  index_t columns = 0;
  std::vector<double> values = {};  ///< row-major; NaN is drawn grey
  colour_scale scale = colour_scale::sequential;
  std::string x_label = {};
  std::string y_label = {};
  std::string value_label = {};  ///< beside the colour bar, with the unit
  std::string x_letters = {};    ///< a letter for each column, drawn where there is room; may be empty
  std::string y_letters = {};
  index_t first_position = 1;  ///< number of the first row and column
  bool falling = false;        ///< the numbers fall from there: the other strand
  std::string id = "map";      ///< unique on a page
};

/// Draws the map as one `<svg>` element with a colour bar.
///
/// Tables of more than 280 rows or columns are drawn in square blocks, each with its number of the largest
/// magnitude, and the drawing says so. Numbers are told in 64 steps of colour.
/// \throws error [dnalm.numeric.580] for an infinite number, error [dnalm.input.582] for a table without
/// numbers or of another size than stated. Cost: linear in the size of the table.
[[nodiscard]] std::string draw(const heat_map& map);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/heat_map_impl.hpp>
#endif
