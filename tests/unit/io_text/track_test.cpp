// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/io/bedgraph.hpp>
#include <dnalm/io/track.hpp>
#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::index_t;
using dnalm::io::join_windows;
using dnalm::io::overlap_rule;
using dnalm::io::track_interval;
using dnalm::io::track_window;
using dnalm_test::error_id_of;

const double nan = std::numeric_limits<double>::quiet_NaN();

std::string text_of(const std::vector<track_interval>& track) {
  std::string text;
  for (const auto& interval : track) {
    text += interval.chromosome + " " + std::to_string(interval.start) + " " + std::to_string(interval.end) +
            " " + std::to_string(interval.value) + "\n";
  }
  return text;
}

/// The value of every base by looking at all windows: what the rules say, word by word.
std::vector<track_interval> slowly(const std::vector<track_window>& windows, overlap_rule rule) {
  std::vector<track_interval> track;
  for (const std::string chromosome : {"chr1", "chr2"}) {
    for (index_t base = 0; base < 60; ++base) {
      std::vector<const track_window*> over;
      for (const auto& w : windows) {
        const index_t i = base - w.start;
        const bool inside = w.chromosome == chromosome && i >= 0 && i < static_cast<index_t>(w.values.size());
        if (inside && !std::isnan(w.values[static_cast<std::size_t>(i)])) over.push_back(&w);
      }
      if (over.empty()) continue;
      const auto value = [&](const track_window* w) {
        return w->values[static_cast<std::size_t>(base - w->start)];
      };
      const auto distance = [&](const track_window* w) {
        return std::abs(2 * base + 1 - 2 * w->start - static_cast<index_t>(w->values.size()));
      };
      double kept = value(over[0]);
      index_t nearest = distance(over[0]);
      index_t start = over[0]->start;
      double sum = 0;
      for (const auto* w : over) {
        sum += value(w);
        const bool closer = distance(w) < nearest || (distance(w) == nearest && w->start < start);
        const bool larger = std::abs(value(w)) > std::abs(kept) || (value(w) == -kept && value(w) > 0);
        if (rule == overlap_rule::max ? larger : closer) kept = value(w);
        if (closer) nearest = distance(w), start = w->start;
      }
      if (rule == overlap_rule::mean) kept = sum / static_cast<double>(over.size());
      track.push_back({chromosome, base, base + 1, kept});
    }
  }
  return track;
}

TEST_CASE("overlaps are resolved by the rule that is named", "[track]") {
  const std::vector<track_window> windows = {
      {"chr2", 1, {1, 1}}, {"chr1", 10, {1, 1, 1, 1}}, {"chr1", 12, {3, 3, -9, 3}}};
  CHECK(text_of(join_windows(windows, overlap_rule::mean)) ==
        "chr1 10 12 1.000000\nchr1 12 14 2.000000\nchr1 14 15 -9.000000\nchr1 15 16 3.000000\nchr2 1 3 "
        "1.000000\n");
  CHECK(text_of(join_windows(windows, overlap_rule::midpoint)) ==
        "chr1 10 13 1.000000\nchr1 13 14 3.000000\nchr1 14 15 -9.000000\nchr1 15 16 3.000000\nchr2 1 3 "
        "1.000000\n");
  CHECK(text_of(join_windows(windows, overlap_rule::max)) ==
        "chr1 10 12 1.000000\nchr1 12 14 3.000000\nchr1 14 15 -9.000000\nchr1 15 16 3.000000\nchr2 1 3 "
        "1.000000\n");
  CHECK(dnalm::io::to_string(overlap_rule::midpoint) == "midpoint");
}

TEST_CASE("joined windows equal the rules applied to every base, in any order", "[track]") {
  std::vector<track_window> windows;
  unsigned state = 1;
  const auto draw = [&](unsigned bound) { return (state = state * 1664525U + 1013904223U) / 65536 % bound; };
  for (int n = 0; n < 14; ++n) {
    // Starts all differ, so that the earlier of two windows is well defined; values are whole: sums are
    // exact.
    track_window window{draw(2) == 0 ? "chr1" : "chr2", 3 * n + static_cast<index_t>(draw(2)), {}};
    const std::size_t length = 1 + draw(12);
    for (std::size_t i = 0; i < length; ++i) {
      window.values.push_back(draw(5) == 0 ? nan : static_cast<double>(draw(9)) - 4);
    }
    windows.push_back(window);
  }
  for (const auto rule : {overlap_rule::mean, overlap_rule::midpoint, overlap_rule::max}) {
    std::vector<track_interval> bases;
    for (const auto& interval : join_windows(windows, rule)) {
      for (index_t at = interval.start; at < interval.end; ++at) {
        bases.push_back({interval.chromosome, at, at + 1, interval.value});
      }
    }
    CHECK(text_of(bases) == text_of(slowly(windows, rule)));
    auto turned = windows;
    std::reverse(turned.begin(), turned.end());
    CHECK(text_of(join_windows(turned, rule)) == text_of(join_windows(windows, rule)));
  }
}

TEST_CASE("bedGraph files hold the intervals, counted from 0, with numbers that read back", "[track]") {
  const dnalm_test::temporary_folder folder("track");
  const auto file = folder / "a.bedgraph";
  dnalm::io::write_bedgraph(
      file, std::vector<track_interval>{{"chr1", 0, 3, 0.1}, {"chr1", 3, 4, -2}, {"chr2", 7, 9, 1e-20}},
      "a \"name\"");
  std::ifstream in(file);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) ==
        "track type=bedGraph name=\"a  name \"\nchr1\t0\t3\t0.1\nchr1\t3\t4\t-2\nchr2\t7\t9\t1e-20\n");
}

TEST_CASE("windows and intervals that no track can hold are errors", "[track]") {
  const auto window = [](const track_window& w) {
    return error_id_of([&] { (void)join_windows({&w, 1}, overlap_rule::mean); });
  };
  CHECK(window({"", 0, {1}}) == "dnalm.input.158");
  CHECK(window({"chr 1", 0, {1}}) == "dnalm.input.158");
  CHECK(window({"chr1\n", 0, {1}}) == "dnalm.input.158");
  CHECK(window({"chr1", -1, {1}}) == "dnalm.input.158");
  CHECK(window({"chr1", (index_t{1} << 32) - 1, {1}}) == "dnalm.input.158");
  CHECK(window({"chr1", std::numeric_limits<index_t>::max(), {1}}) == "dnalm.input.158");
  CHECK(window({"chr1", 0, {1, std::numeric_limits<double>::infinity()}}) == "dnalm.input.158");
  CHECK(window({"chr1", 0, {nan}}).empty());
  const dnalm_test::temporary_folder folder("track");
  const auto write = [&](const std::vector<track_interval>& track) {
    return error_id_of([&] { dnalm::io::write_bedgraph(folder / "x", track); });
  };
  CHECK(write({{"c", 0, 2, 1}, {"c", 1, 3, 1}}) == "dnalm.usage.159");
  CHECK(write({{"c", 2, 2, 1}}) == "dnalm.usage.159");
  CHECK(write({{"c", 0, 1, 1}, {"d", 0, 1, 1}, {"c", 5, 6, 1}}) == "dnalm.usage.159");
  CHECK(write({{"c", 0, 1, nan}}) == "dnalm.usage.159");
  CHECK(write({{"c", 0, 1, 1e300}}) == "dnalm.usage.159");
  CHECK(write({{"c\td", 0, 1, 1}}) == "dnalm.usage.159");
  CHECK(folder.files() == 0);
}

TEST_CASE("regions in names are read in both conventions, told by the length", "[track]") {
  using dnalm::io::region_of_name;
  const auto zero = region_of_name("chr1:100-200", 100);
  REQUIRE(zero.has_value());
  CHECK(zero->chromosome == "chr1");
  CHECK(zero->start == 100);
  CHECK(zero->end == 200);
  CHECK_FALSE(zero->reverse);
  const auto one = region_of_name("HLA:A:101-200(-)", 100);
  REQUIRE(one.has_value());
  CHECK(one->chromosome == "HLA:A");
  CHECK(one->start == 100);
  CHECK(one->end == 200);
  CHECK(one->reverse);
  for (const char* name : {"chr1:100-200", "chr1", ":1-2", "chr1:-1-2", "chr1:1-", "chr1:2", "chr1:a-b",
                           "chr1:1-99999999999999999999", "chr1:9-3", ""}) {
    CHECK_FALSE(region_of_name(name, 57).has_value());
  }
}

}  // namespace
