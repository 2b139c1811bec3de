// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/motif_recovery.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include <dnalm/attribution/motif_recovery.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/metrics/paired_t.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// |numbers| of a sequence, cut in two by sites.
struct divided_sizes {
  std::vector<double> inside = {};
  std::vector<double> outside = {};

  [[nodiscard]] bool comparable() const { return !inside.empty() && !outside.empty(); }
  /// P(inside > outside), ties one half.
  [[nodiscard]] double auroc() const {
    return metrics::mann_whitney(inside, outside, metrics::test_side::both, metrics::rank_test_method::normal)
        .share;
  }
};

/// Cuts `sizes` by sites; parts of sites beyond the end are left out.
template <class Site>
[[nodiscard]] divided_sizes divide_sizes(const std::vector<double>& sizes, std::span<const Site> sites,
                                         index_t width) {
  std::vector<bool> covered(sizes.size(), false);
  for (const Site& site : sites) {
    const index_t end = std::min(site.start + width, static_cast<index_t>(sizes.size()));
    for (index_t i = site.start; i < end; ++i) covered[static_cast<std::size_t>(i)] = true;
  }
  divided_sizes parts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!std::isnan(sizes[i])) (covered[i] ? parts.inside : parts.outside).push_back(sizes[i]);
  }
  return parts;
}

/// NaN for no values.
[[nodiscard]] inline double mean_of(const std::vector<double>& values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// AUROC of each sequence with a site, and that with the sites of the next such sequence in its place.
struct paired_areas {
  std::vector<double> own = {};
  std::vector<double> control = {};
  std::vector<double> differences = {};  // where both are defined
};

[[nodiscard]] inline motif_recovery recovery_of(const divided_sizes& all, const paired_areas& areas) {
  motif_recovery found;
  found.bases_inside = static_cast<index_t>(all.inside.size());
  found.bases_outside = static_cast<index_t>(all.outside.size());
  found.mean_inside = mean_of(all.inside);
  found.mean_outside = mean_of(all.outside);
  found.auroc = found.p_value = found.paired_p_value = std::numeric_limits<double>::quiet_NaN();
  if (all.comparable()) {
    const metrics::rank_test test = metrics::mann_whitney(all.inside, all.outside);
    found.auroc = test.share;
    found.p_value = test.p_value;
  }
  found.mean_auroc = mean_of(areas.own);
  found.control_auroc = mean_of(areas.control);
  if (areas.differences.size() > 1) found.paired_p_value = metrics::paired_t(areas.differences).p_value;
  return found;
}

[[noreturn]] inline void refuse_site(const std::string& expected, const std::string& found) {
  throw error(error_kind::shape, 895, "a map and its sites do not fit",
              {.expected = expected, .found = found});
}

}  // namespace detail

DNALM_INLINE double mean_over_site(std::span<const double> numbers, index_t start, index_t width) {
  const auto length = static_cast<index_t>(numbers.size());
  if (start < 0 || width < 0 || start > length || width > length - start) {
    detail::refuse_site("a site within " + std::to_string(length) + " bases",
                        std::to_string(width) + " bases from " + std::to_string(start));
  }
  std::vector<double> counted;
  for (index_t i = start; i < start + width; ++i) {
    const double number = numbers[static_cast<std::size_t>(i)];
    if (!std::isnan(number)) counted.push_back(number);
  }
  return detail::mean_of(counted);
}

DNALM_INLINE motif_recovery_collector::motif_recovery_collector(std::vector<index_t> widths)
    : widths_(std::move(widths)), sites_(widths_.size()) {}

DNALM_INLINE motif_recovery_collector::motif_recovery_collector(std::span<const motif_scorer> motifs)
    : sites_(motifs.size()) {
  for (const motif_scorer& motif : motifs) widths_.push_back(motif.width());
}

DNALM_INLINE void motif_recovery_collector::add(std::string_view sequence, std::span<const double> numbers,
                                                std::span<const motif_hit> hits) {
  const auto length = static_cast<index_t>(sequence.size());
  if (numbers.size() != sequence.size()) {
    detail::refuse_site(std::to_string(length) + " numbers", std::to_string(numbers.size()));
  }
  for (const motif_hit& hit : hits) {
    const bool known = hit.motif >= 0 && hit.motif < static_cast<index_t>(widths_.size());
    if (!known) {
      detail::refuse_site("a motif below " + std::to_string(widths_.size()), std::to_string(hit.motif));
    }
    const index_t width = widths_[static_cast<std::size_t>(hit.motif)];
    if (hit.start < 0 || hit.start > length - width) {
      detail::refuse_site("a site of " + std::to_string(width) + " within " + std::to_string(length),
                          "one from " + std::to_string(hit.start));
    }
  }
  ++added_;
  if (hits.empty()) return;
  for (const motif_hit& hit : hits) {
    sites_[static_cast<std::size_t>(hit.motif)].push_back({sizes_.size(), hit.start});
  }
  std::vector<double> sizes(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sizes[i] = base_code(sequence[i]) < 4 ? std::abs(sizes[i]) : std::numeric_limits<double>::quiet_NaN();
  }
  sizes_.push_back(std::move(sizes));
}

DNALM_INLINE motif_recovery motif_recovery_collector::result(index_t motif) const {
  using namespace detail;
  if (motif < 0 || motif >= static_cast<index_t>(widths_.size())) {
    refuse_site("a motif below " + std::to_string(widths_.size()), std::to_string(motif));
  }
  const index_t width = widths_[static_cast<std::size_t>(motif)];
  const std::span<const placed_site> sites(sites_[static_cast<std::size_t>(motif)]);
  std::vector<std::span<const placed_site>> with_site;  // the sites of each sequence that has some
  for (std::size_t first = 0, end = 0; first < sites.size(); first = end) {
    while (end < sites.size() && sites[end].sequence == sites[first].sequence) ++end;
    with_site.push_back(sites.subspan(first, end - first));
  }
  divided_sizes all;
  paired_areas areas;
  for (std::size_t i = 0; i < with_site.size(); ++i) {
    const std::vector<double>& sizes = sizes_[with_site[i].front().sequence];
    const divided_sizes own = divide_sizes(sizes, with_site[i], width);
    all.inside.insert(all.inside.end(), own.inside.begin(), own.inside.end());
    all.outside.insert(all.outside.end(), own.outside.begin(), own.outside.end());
    if (own.comparable()) areas.own.push_back(own.auroc());
    if (with_site.size() < 2) continue;
    const divided_sizes control = divide_sizes(sizes, with_site[(i + 1) % with_site.size()], width);
    if (!control.comparable()) continue;
    areas.control.push_back(control.auroc());
    if (own.comparable()) areas.differences.push_back(areas.own.back() - areas.control.back());
  }
  motif_recovery found = recovery_of(all, areas);
  found.hits = static_cast<index_t>(sites.size());
  found.sequences = static_cast<index_t>(with_site.size());
  return found;
}

DNALM_END_NAMESPACE
