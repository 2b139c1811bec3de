// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/track.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/io/track.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

constexpr index_t track_limit = (index_t{1} << 32) - 1;

/// \throws error [dnalm.input.158].
inline void check_track_place(const std::string& chromosome, index_t start, index_t bases) {
  const bool named = !chromosome.empty() && std::all_of(chromosome.begin(), chromosome.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
  });
  if (named && start >= 0 && bases >= 0 && start <= track_limit && bases <= track_limit - start) return;
  throw error(error_kind::input, 158, "a place that no track can hold",
              {.where = "\"" + chromosome + "\", " + std::to_string(start),
               .expected = "a chromosome's name without blanks, and bases from 0 to 2^32 - 1",
               .found = std::to_string(bases) + " bases"});
}

inline void check_track_value(const std::string& chromosome, index_t at, double value) {
  if (!std::isinf(value)) return;
  throw error(error_kind::input, 158, "a value that no track can hold",
              {.where = chromosome + ", base " + std::to_string(at),
               .expected = "a finite number, or NaN where there is none",
               .found = format_number(value)});
}

/// The values of windows that overlap one another, one after the other, by a rule.
class overlap_cells {
 public:
  overlap_cells(index_t start, overlap_rule rule) : start_(start), rule_(rule) {}

  [[nodiscard]] index_t end() const { return start_ + static_cast<index_t>(values_.size()); }

  /// Windows come in the order of their starts.
  void add(const track_window& window) {
    const auto offset = static_cast<std::size_t>(window.start - start_);
    const std::size_t stop = offset + window.values.size();
    if (stop > values_.size()) {
      values_.resize(stop, std::numeric_limits<double>::quiet_NaN());
      weights_.resize(stop, 0);
    }
    const index_t twice_middle = 2 * window.start + static_cast<index_t>(window.values.size());
    for (std::size_t i = 0; i < window.values.size(); ++i) {
      const double value = window.values[i];
      if (std::isnan(value)) continue;
      const index_t base = window.start + static_cast<index_t>(i);
      take(offset + i, value, std::abs(2 * base + 1 - twice_middle));
    }
  }

  /// Appends what the cells hold as intervals.
  void append_to(const std::string& chromosome, std::vector<track_interval>& track) const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (weights_[i] == 0) continue;
      const double value =
          rule_ == overlap_rule::mean ? values_[i] / static_cast<double>(weights_[i]) : values_[i];
      const index_t at = start_ + static_cast<index_t>(i);
      const bool goes_on = !track.empty() && track.back().end == at && track.back().value == value &&
                           track.back().chromosome == chromosome;
      if (goes_on) {
        ++track.back().end;
      } else {
        track.push_back({chromosome, at, at + 1, value});
      }
    }
  }

 private:
  // weights_: number of values (mean), 1 + twice the distance to the middle (midpoint), 1 (max); 0 for none.
  void take(std::size_t cell, double value, index_t twice_distance) {
    double& kept = values_[cell];
    index_t& weight = weights_[cell];
    if (weight == 0) {
      kept = value;
      weight = rule_ == overlap_rule::midpoint ? 1 + twice_distance : 1;
      return;
    }
    switch (rule_) {
      case overlap_rule::mean:
        kept += value;
        ++weight;
        break;
      case overlap_rule::midpoint:
        if (1 + twice_distance >= weight) break;
        kept = value;
        weight = 1 + twice_distance;
        break;
      case overlap_rule::max:
        if (std::abs(value) > std::abs(kept) || (std::abs(value) == std::abs(kept) && value > 0))
          kept = value;
        break;
    }
  }

  index_t start_;
  overlap_rule rule_;
  std::vector<double> values_;
  std::vector<index_t> weights_;
};

/// Whether a window comes before another, by all that it holds: the order of equal ones changes nothing.
[[nodiscard]] inline bool window_before(const track_window& a, const track_window& b) {
  if (a.chromosome != b.chromosome) return a.chromosome < b.chromosome;
  if (a.start != b.start) return a.start < b.start;
  if (a.values.size() != b.values.size()) return a.values.size() < b.values.size();
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const bool nan = std::isnan(a.values[i]);
    if (nan != std::isnan(b.values[i])) return nan;
    if (!nan && a.values[i] != b.values[i]) return a.values[i] < b.values[i];
  }
  return false;
}

/// A whole number from 0 that is the whole text.
[[nodiscard]] inline std::optional<index_t> whole_number(std::string_view text) {
  index_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (text.empty() || text[0] == '-' || status != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace detail

DNALM_INLINE std::vector<track_interval> join_windows(std::span<const track_window> windows,
                                                      overlap_rule rule) {
  std::vector<const track_window*> order;
  for (const track_window& window : windows) {
    detail::check_track_place(window.chromosome, window.start, static_cast<index_t>(window.values.size()));
    index_t at = window.start;
    for (const double value : window.values) detail::check_track_value(window.chromosome, at++, value);
    order.push_back(&window);
  }
  std::sort(order.begin(), order.end(),
            [](const track_window* a, const track_window* b) { return detail::window_before(*a, *b); });
  std::vector<track_interval> track;
  for (std::size_t i = 0; i < order.size();) {
    const std::string& chromosome = order[i]->chromosome;
    detail::overlap_cells cells(order[i]->start, rule);
    do {
      cells.add(*order[i++]);
    } while (i < order.size() && order[i]->chromosome == chromosome && order[i]->start < cells.end());
    cells.append_to(chromosome, track);
  }
  return track;
}

DNALM_INLINE std::optional<track_region> region_of_name(std::string_view name, index_t length) {
  track_region region;
  if (name.ends_with("(+)") || name.ends_with("(-)")) {
    region.reverse = name.ends_with("(-)");
    name.remove_suffix(3);
  }
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view range = name.substr(colon + 1);
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto start = detail::whole_number(range.substr(0, dash));
  const auto end = detail::whole_number(range.substr(dash + 1));
  if (!start || !end || *end < *start || length < 1) return std::nullopt;
  region.chromosome = name.substr(0, colon);
  region.end = *end;
  region.start = *end - length;
  if (region.start < 0 || (region.start != *start && region.start + 1 != *start)) return std::nullopt;
  return region;
}

}  // namespace io
DNALM_END_NAMESPACE
