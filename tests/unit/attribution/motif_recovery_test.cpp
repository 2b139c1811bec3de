// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/motif_recovery.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/metrics/paired_t.hpp>
#include <dnalm/metrics/ranking.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
using dnalm::motif_hit;
using dnalm::motif_recovery_collector;
using dnalm_test::error_id_of;

motif_hit site(index_t motif, index_t start) {
  return {.motif = motif, .start = start, .reverse = start % 2 == 1};
}

/// AUROC of |numbers| where `covered` is 1.
double area(const std::vector<double>& numbers, const std::vector<double>& covered) {
  std::vector<double> sizes;
  for (const double number : numbers) sizes.push_back(std::abs(number));
  return dnalm::metrics::auroc(covered, sizes);
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

TEST_CASE("sizes within sites are compared with those outside, sequence by sequence and together",
          "[motif_recovery]") {
  dnalm::philox random(4);
  motif_recovery_collector collector(std::vector<index_t>{3, 5});
  const std::vector<index_t> starts = {2, 9, 17, 4};
  std::vector<double> all;
  std::vector<double> all_covered;
  std::vector<double> own;
  std::vector<std::vector<double>> maps;
  for (const index_t start : starts) {
    std::vector<double> numbers(20);
    std::vector<double> covered(20, 0.0);
    for (double& number : numbers) number = random.normal();
    for (index_t i = start; i < start + 3; ++i) {
      numbers[static_cast<std::size_t>(i)] *= 2;
      covered[static_cast<std::size_t>(i)] = 1;
    }
    collector.add(std::string(20, 'A'), numbers, std::vector<motif_hit>{site(0, start)});
    all.insert(all.end(), numbers.begin(), numbers.end());
    all_covered.insert(all_covered.end(), covered.begin(), covered.end());
    own.push_back(area(numbers, covered));
    maps.push_back(numbers);
  }
  collector.add(std::string(20, 'A'), std::vector<double>(20, 1e6), {});  // has no site and counts nowhere
  CHECK(collector.sequences() == 5);
  std::vector<double> differences;
  double control = 0;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    std::vector<double> covered(20, 0.0);
    const index_t start = starts[(i + 1) % starts.size()];
    for (index_t b = start; b < start + 3; ++b) covered[static_cast<std::size_t>(b)] = 1;
    control += area(maps[i], covered) / 4;
    differences.push_back(own[i] - area(maps[i], covered));
  }
  const auto found = collector.result(0);
  CHECK(found.hits == 4);
  CHECK(found.sequences == 4);
  CHECK(found.bases_inside == 12);
  CHECK(found.bases_outside == 68);
  CHECK(found.auroc == area(all, all_covered));  // both are one division of whole numbers
  // Means of at most 68 numbers: a few units in the last place.
  CHECK(found.mean_auroc == Approx((own[0] + own[1] + own[2] + own[3]) / 4).epsilon(1e-14));
  CHECK(found.control_auroc == Approx(control).epsilon(1e-14));
  CHECK(found.paired_p_value == Approx(dnalm::metrics::paired_t(differences).p_value).epsilon(1e-10));
  const auto none = collector.result(1);
  CHECK(none.hits == 0);
  CHECK(std::isnan(none.auroc));
  CHECK(std::isnan(none.mean_inside));
  CHECK(std::isnan(none.paired_p_value));
}

/// A sequence, for the case below.
struct compared_row {
  std::string letters = {};
  std::vector<double> numbers = {};
  std::vector<motif_hit> hits = {};

  [[nodiscard]] bool has(index_t motif) const {
    return std::any_of(hits.begin(), hits.end(), [&](const motif_hit& hit) { return hit.motif == motif; });
  }
  /// |numbers| of bases that sites of a motif in `places` cover (or not).
  [[nodiscard]] std::vector<double> sizes(const compared_row& places, index_t motif, index_t width,
                                          bool inside) const {
    std::vector<double> found;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto base = static_cast<index_t>(i);
      const bool covered = std::any_of(places.hits.begin(), places.hits.end(), [&](const motif_hit& hit) {
        return hit.motif == motif && hit.start <= base && base < hit.start + width;
      });
      if (covered == inside) found.push_back(std::abs(numbers[i]));
    }
    return found;
  }
};

TEST_CASE("every motif has its own sites, sequences and controls, in sequences of any lengths",
          "[motif_recovery]") {
  const std::vector<index_t> widths = {3, 5};
  // Sites of both motifs in one sequence, apart and one upon the other, and sequences with one of them. Of
  // controls the site from 10 is cut in 12 bases and that from 6 in 8; those from 17 and 25 lie beyond the
  // end of 8 and 12.
  std::vector<compared_row> rows = {{.letters = std::string(12, 'A'), .hits = {site(1, 1), site(0, 8)}},
                                    {.letters = std::string(30, 'C'), .hits = {site(0, 10), site(1, 25)}},
                                    {.letters = std::string(8, 'G'), .hits = {site(1, 3), site(0, 2)}},
                                    {.letters = std::string(12, 'T'), .hits = {site(1, 6)}},
                                    {.letters = std::string(20, 'T'), .hits = {site(0, 17), site(0, 4)}}};
  dnalm::philox random(9);
  motif_recovery_collector collector(widths);
  for (compared_row& row : rows) {
    for (std::size_t i = 0; i < row.letters.size(); ++i) row.numbers.push_back(random.normal());
    collector.add(row.letters, row.numbers, row.hits);
  }
  for (index_t motif = 0; motif < 2; ++motif) {
    INFO("motif " << motif);
    const index_t width = widths[static_cast<std::size_t>(motif)];
    std::vector<compared_row> with_site;
    for (const compared_row& row : rows) {
      if (row.has(motif)) with_site.push_back(row);
    }
    REQUIRE(with_site.size() == 4);
    std::vector<double> inside;
    std::vector<double> outside;
    std::vector<double> own;
    std::vector<double> control;
    std::vector<double> differences;
    for (std::size_t r = 0; r < 4; ++r) {
      const compared_row& row = with_site[r];
      const auto in = row.sizes(row, motif, width, true);
      const auto out = row.sizes(row, motif, width, false);
      inside.insert(inside.end(), in.begin(), in.end());
      outside.insert(outside.end(), out.begin(), out.end());
      own.push_back(dnalm::metrics::mann_whitney(in, out).share);
      const compared_row& next = with_site[(r + 1) % 4];
      const auto control_in = row.sizes(next, motif, width, true);
      if (control_in.empty()) continue;  // the next one's sites lie beyond the end
      control.push_back(dnalm::metrics::mann_whitney(control_in, row.sizes(next, motif, width, false)).share);
      differences.push_back(own.back() - control.back());
    }
    const auto found = collector.result(motif);
    CHECK(found.hits == (motif == 0 ? 5 : 4));
    CHECK(found.sequences == 4);
    CHECK(found.bases_inside == static_cast<index_t>(inside.size()));
    CHECK(found.bases_outside == static_cast<index_t>(outside.size()));
    const auto test = dnalm::metrics::mann_whitney(inside, outside);
    CHECK(found.auroc == test.share);
    CHECK(found.p_value == test.p_value);
    CHECK(found.p_value < 1);
    CHECK(control.size() == (motif == 0 ? 4 : 3));
    // Means of at most five numbers.
    CHECK(found.mean_auroc == Approx(mean_of(own)).epsilon(1e-14));
    CHECK(found.control_auroc == Approx(mean_of(control)).epsilon(1e-14));
    CHECK(found.paired_p_value == Approx(dnalm::metrics::paired_t(differences).p_value).epsilon(1e-10));
  }
}

TEST_CASE("maps that find the sites have an AUROC of 1, constant ones of one half", "[motif_recovery]") {
  motif_recovery_collector collector(std::vector<index_t>{2, 2});
  for (const index_t start : {1, 5}) {
    std::vector<double> numbers(9, 0.5);
    numbers[static_cast<std::size_t>(start)] = -3;
    numbers[static_cast<std::size_t>(start) + 1] = 2;
    collector.add("ACGTACGTA", numbers, std::vector<motif_hit>{site(0, start)});
  }
  collector.add("ACGT", std::vector<double>{1, 1, 1, 1}, std::vector<motif_hit>{site(1, 0), site(1, 1)});
  const auto found = collector.result(0);
  CHECK(found.auroc == 1);
  CHECK(found.mean_inside == 2.5);
  CHECK(found.mean_outside == 0.5);
  CHECK(found.mean_auroc == 1);
  CHECK(found.control_auroc < 0.5);
  const auto constant = collector.result(1);
  CHECK(constant.bases_inside == 3);  // sites that overlap cover a base once
  CHECK(constant.hits == 2);
  CHECK(constant.auroc == 0.5);
  CHECK(std::isnan(constant.control_auroc));  // there is no other sequence
}

TEST_CASE("what only the places of sites explain is in the control too", "[motif_recovery]") {
  // Maps that are large in the middle whatever is there, and sites in the middle.
  motif_recovery_collector collector(std::vector<index_t>{4});
  for (int s = 0; s < 5; ++s) {
    std::vector<double> numbers;
    for (int i = 0; i < 20; ++i) numbers.push_back((1 + s) * std::exp(-0.1 * (i - 9.5) * (i - 9.5)));
    collector.add(std::string(20, 'C'), numbers, std::vector<motif_hit>{site(0, 8)});
  }
  const auto found = collector.result(0);
  CHECK(found.mean_auroc == 1);
  CHECK(found.control_auroc == 1);
  CHECK(found.paired_p_value == 1);
}

TEST_CASE("bases without a letter or a number count nowhere", "[motif_recovery]") {
  motif_recovery_collector collector(std::vector<index_t>{2});
  collector.add("ANGTA", std::vector<double>{1, 9, 5, 4, std::nan("")}, std::vector<motif_hit>{site(0, 2)});
  const auto found = collector.result(0);
  CHECK(found.bases_inside == 2);
  CHECK(found.bases_outside == 1);
  CHECK(found.mean_inside == 4.5);
  motif_recovery_collector covered(std::vector<index_t>{2});
  covered.add("AC", std::vector<double>{1, 2}, std::vector<motif_hit>{site(0, 0)});
  CHECK(covered.result(0).mean_inside == 1.5);
  CHECK(std::isnan(covered.result(0).auroc));  // there is nothing outside
  CHECK(dnalm::mean_over_site(std::vector<double>{1, std::nan(""), 4}, 0, 3) == 2.5);
  CHECK(std::isnan(dnalm::mean_over_site(std::vector<double>{std::nan("")}, 0, 1)));
}

TEST_CASE("sites that do not fit a map are refused", "[motif_recovery]") {
  motif_recovery_collector collector(std::vector<index_t>{3});
  const std::vector<double> numbers(5, 1.0);
  const auto add = [&](std::string_view sequence, motif_hit hit) {
    return error_id_of([&] { collector.add(sequence, numbers, std::vector<motif_hit>{hit}); });
  };
  CHECK(add("ACGT", site(0, 0)) == "dnalm.shape.895");
  CHECK(add("ACGTA", site(1, 0)) == "dnalm.shape.895");
  CHECK(add("ACGTA", site(0, 3)) == "dnalm.shape.895");
  CHECK(add("ACGTA", site(0, -1)) == "dnalm.shape.895");
  CHECK(collector.sequences() == 0);
  CHECK(error_id_of([&] { static_cast<void>(collector.result(1)); }) == "dnalm.shape.895");
  CHECK(error_id_of([&] { static_cast<void>(dnalm::mean_over_site(numbers, 4, 2)); }) == "dnalm.shape.895");
}

}  // namespace
