// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What dnalm-attribute writes beside its npz file: drawings, a page, and tracks along the genome.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/bedgraph.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/io/track.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/heat_map.hpp>
#include <dnalm/report/sequence_logo.hpp>
#include <dnalm/report/text.hpp>
#if defined(DNALM_WITH_BIGWIG)
#include <dnalm/io/bigwig.hpp>
#endif

#include <support/attribution_methods.hpp>
#include <support/chromosome_sizes.hpp>
#include <support/output_places.hpp>
#include <support/plain_text.hpp>

namespace program {

/// One number a base of a row that stands for how much the base matters: as numbers_of_bases, of an entropy
/// the information, 2 bits less the entropy.
[[nodiscard]] inline std::vector<double> weights_of_bases(const dnalm::attribution_row& row,
                                                          map_reading reading) {
  std::vector<double> numbers = numbers_of_bases(row, reading);
  if (reading == map_reading::entropy) {
    for (double& number : numbers) number = 2 - number;
  }
  return numbers;
}

/// The letters of a drawing: all of a prediction's, else the observed ones with their numbers.
[[nodiscard]] inline dnalm::nucleotide_map letters_of_drawing(const dnalm::attribution_row& row,
                                                              map_reading reading) {
  if (reading == map_reading::entropy) return row.attributions;
  return observed_map(row.sequence, numbers_of_bases(row, reading));
}

/// Letters that a logo may have.
inline constexpr std::size_t longest_drawing = 20000;

/// How the positions of a row are numbered: along the genome (from 1) where its name is chr:start-end, else
/// from its first letter.
struct position_numbers {
  dnalm::index_t first = 1;
  bool falling = false;
  std::string chromosome = {};  ///< after a comma, where it is known
};
[[nodiscard]] inline position_numbers positions_of(const dnalm::attribution_row& row) {
  const auto region = dnalm::io::region_of_name(row.name, static_cast<dnalm::index_t>(row.sequence.size()));
  if (!region) return {};
  return {region->reverse ? region->end : region->start + 1, region->reverse, ", " + region->chromosome};
}

/// The region of a name. \throws error [dnalm.input.729].
[[nodiscard]] inline dnalm::io::track_region region_for_track(const std::string& name, std::size_t letters) {
  const auto region = dnalm::io::region_of_name(name, static_cast<dnalm::index_t>(letters));
  if (region) return *region;
  throw dnalm::error(dnalm::error_kind::input, 729, "a track needs to know where a sequence comes from",
                     {.where = "sequence '" + name + "'",
                      .expected = "a name like chr8:1000-1200, of the sequence's length",
                      .found = std::to_string(letters) + " letters"});
}

/// The drawing of a row as an `<svg>` element: a heat map of dependencies, else a logo with its marks.
/// `number` makes it unique on a page.
[[nodiscard]] inline std::string drawing_of(const dnalm::attribution_row& row,
                                            const attribution_method& method, std::size_t number,
                                            std::vector<dnalm::report::logo_mark> marks) {
  const std::string id = "d" + std::to_string(number);
  const position_numbers positions = positions_of(row);
  if (method.members.dependency) {
    dnalm::report::heat_map map;
    map.title = row.name + ": " + method.subject;
    map.description = method.explanation;
    map.rows = map.columns = static_cast<dnalm::index_t>(row.sequence.size());
    map.values = row.dependency;
    map.x_label = "observed position" + positions.chromosome;
    map.y_label = "substituted position" + positions.chromosome;
    map.first_position = positions.first;
    map.falling = positions.falling;
    map.value_label = method.unit;
    const bool below = std::any_of(map.values.begin(), map.values.end(), [](double v) { return v < 0; });
    if (below) map.scale = dnalm::report::colour_scale::diverging;
    map.x_letters = map.y_letters = row.sequence;
    map.id = id;
    return draw(map);
  }
  dnalm::report::sequence_logo logo;
  logo.title = row.name + ": " + method.subject;
  logo.description = method.explanation;
  logo.values = letters_of_drawing(row, method.reading);
  logo.y_label = method.unit;
  logo.first_position = positions.first;
  logo.falling = positions.falling;
  logo.id = id;
  logo.marks = std::move(marks);
  return draw(logo);
}

/// Gathers what is drawn of the first rows, and every row's track; writes all of it when the run has gone
/// well.
class attribution_outputs {
 public:
  struct places {
    std::string svg_folder = {};
    std::string page = {};
    std::string bigwig = {};
    std::string bedgraph = {};
    dnalm::index_t drawings = 50;
    dnalm::io::overlap_rule overlap = dnalm::io::overlap_rule::midpoint;
    chromosome_sizes sizes = {};
  };

  attribution_outputs(places where, const attribution_method& method)
      : where_(std::move(where)), method_(method) {}

  /// Refuses names that a track cannot place, and places beyond a chromosome. \throws error
  /// [dnalm.input.729].
  static void check_names(const places& where, const std::vector<dnalm::io::sequence_record>& records) {
    if (where.bigwig.empty() && where.bedgraph.empty()) return;
    for (const auto& record : records) {
      const auto region = region_for_track(record.name, record.sequence.size());
      check_on_chromosome(where.sizes, region, record.name);
    }
  }

  /// `marks` stand in the logo. \throws error [dnalm.input.729] tracks are wanted and the name is no region.
  void add(const dnalm::attribution_row& row, std::vector<dnalm::report::setting> facts,
           std::vector<dnalm::report::logo_mark> marks = {}) {
    ++rows_;
    const bool wanted = !where_.svg_folder.empty() || !where_.page.empty();
    if (wanted && static_cast<dnalm::index_t>(items_.size()) < where_.drawings) {
      std::string drawing;
      if (row.sequence.size() <= longest_drawing) {
        drawing = drawing_of(row, method_, items_.size() + 1, std::move(marks));
      } else {
        facts.push_back({"drawing", "none, of more than 20,000 letters"});
        too_long_.push_back(plain(row.name));
      }
      items_.push_back({row.name, std::move(facts), std::move(drawing)});
    }
    if (!where_.bigwig.empty() || !where_.bedgraph.empty()) add_window(row);
  }

  /// Writes what was asked for.
  void finish(dnalm::report::attribution_summary about) {
    about.sequences = rows_;
    about.explanation = method_.explanation;
    const auto intervals = dnalm::io::join_windows(windows_, where_.overlap);
    if (!windows_.empty() && intervals.empty()) {
      throw dnalm::error(dnalm::error_kind::input, 731, "no base has a number: a track would be empty",
                         {.expected = "a letter A, C, G or T"});
    }
    write_drawings();
    tell_too_long();
    if (!where_.page.empty() && !items_.empty())
      dnalm::io::write_file(where_.page, dnalm::report::attribution_page(about, items_));
    if (windows_.empty()) return;
    if (!where_.bedgraph.empty()) dnalm::io::write_bedgraph(where_.bedgraph, intervals, about.method);
#if defined(DNALM_WITH_BIGWIG)
    if (!where_.bigwig.empty()) dnalm::io::write_bigwig(where_.bigwig, intervals, where_.sizes);
#endif
  }

 private:
  void add_window(const dnalm::attribution_row& row) {
    const dnalm::io::track_region region = region_for_track(row.name, row.sequence.size());
    std::vector<double> numbers = numbers_of_bases(row, method_.reading);
    if (region.reverse) std::reverse(numbers.begin(), numbers.end());
    windows_.push_back({region.chromosome, region.start, std::move(numbers)});
  }

  void tell_too_long() const {
    if (too_long_.empty()) return;
    std::fprintf(stderr,
                 "dnalm-attribute: %zu of %zu sequences have no drawing, of more than %zu letters (%s%s)\n",
                 too_long_.size(), items_.size(), longest_drawing, too_long_.front().c_str(),
                 too_long_.size() == 1 ? "" : ", ...");
  }

  void write_drawings() const {
    if (where_.svg_folder.empty()) return;
    make_folder(where_.svg_folder);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].drawing.empty()) continue;
      std::string number = std::to_string(i + 1);
      number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
      const std::string name = number + "." + dnalm::report::file_name_text(items_[i].name) + ".svg";
      dnalm::io::write_file(std::filesystem::path(where_.svg_folder) / name, items_[i].drawing + "\n");
    }
  }

  places where_;
  const attribution_method& method_;
  dnalm::index_t rows_ = 0;
  std::vector<dnalm::report::attribution_item> items_;
  std::vector<std::string> too_long_;  // names
  std::vector<dnalm::io::track_window> windows_;
};

}  // namespace program
