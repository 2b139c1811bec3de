// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Logos: the letters of a sequence, each as high as its number.
#pragma once

#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

/// A stretch of a logo with a ground of its own, as a motif's site.
struct logo_mark {
  index_t first = 0;       ///< column, from 0
  index_t length = 0;      ///< what lies beyond the map is left out
  std::string label = {};  ///< stands below it, where the label of an earlier mark leaves room
  std::string tip = {};    ///< more words, for a pointer that rests on it
};

/// A logo of a (4, L) map. Positive letters stand on the axis, negative ones hang below it upside down; in
/// both stacks the larger is farther from the axis. Colours: A green, C blue, G orange, T red.
struct sequence_logo {
  std::string title = {};
  std::string description = {};
  nucleotide_map values = {};  ///< zeros where a letter is not to be seen
  std::string y_label = {};    ///< what the numbers are, with their unit
  index_t first_position = 1;  ///< number of the first column on the axis
  bool falling = false;        ///< the numbers fall from column to column: the other strand
  index_t columns = 100;       ///< columns of a line; longer maps go on in the next, with the same scale
  double letter_width = 8;     ///< in drawing units
  double line_height = 84;     ///< of the letters of a line
  std::string id = "logo";     ///< unique on a page
  std::vector<logo_mark> marks = {};
};

/// Draws the logo as one `<svg>` element, letters as outlines: no font is needed for them.
///
/// Letters less than 0.02 units high are left out. \throws error [dnalm.numeric.580] for a number that is not
/// finite, error [dnalm.input.582] for a map without columns or lines without room, error [dnalm.input.597]
/// for more than 20,000 columns. Cost: linear in the number of letters.
[[nodiscard]] std::string draw(const sequence_logo& logo);

}  // namespace report
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/report/detail/sequence_logo_impl.hpp>
#endif
