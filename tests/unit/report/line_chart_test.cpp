// SPDX-License-Identifier: Apache-2.0
#include <dnalm/report/line_chart.hpp>

#include <cmath>
#include <limits>

#include <support/catch.hpp>

namespace report = dnalm::report;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

report::line_chart two_curves() {
  report::line_chart chart;
  chart.title = "r for <x>";
  chart.curves = {{"model", {{0, 0.1, 0.05, 0.15}, {1, 0.4, 0.3, 0.5}, {2, 0.3, 0.2, 0.4}}, 0},
                  {"twin", {{0, 0.0, -0.1, 0.1}, {1, 0.1, 0.0, 0.2}}, 0, report::curve_style::twin}};
  chart.levels = {{"one-hot", 0.25, 0.2, 0.3}, {"k-mer", 0.26, not_a_number, not_a_number}};
  return chart;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// The y of the first circle marker after `from`.
double marker_y(const std::string& text, std::size_t number) {
  std::size_t at = 0;
  for (std::size_t i = 0; i <= number; ++i) at = text.find("class=\"point\"", at + 1);
  at = text.find("cy=\"", at) + 4;
  return std::stod(text.substr(at));
}

}  // namespace

TEST_CASE("ticks are 1, 2 or 5 times a power of ten and cover the data", "[report]") {
  for (const double low : {-3.7, 0.0, 0.123, 99.5, -1e-4}) {
    for (const double span : {1e-5, 0.013, 0.5, 1.0, 7.7, 12345.0}) {
      const auto ticks = report::find_ticks(low, low + span, 6);
      const double lead = ticks.step / std::pow(10.0, std::floor(std::log10(ticks.step) + 1e-9));
      const bool nice = std::abs(lead - 1) < 1e-6 || std::abs(lead - 2) < 1e-6 || std::abs(lead - 5) < 1e-6;
      REQUIRE(nice);
      REQUIRE(ticks.first <= low + 1e-6 * span);
      REQUIRE(ticks.last >= low + span - 1e-6 * span);
      REQUIRE((ticks.last - ticks.first) / ticks.step <= 9.0);
      REQUIRE((ticks.last - ticks.first) / ticks.step >= 3.0);
    }
  }
}

TEST_CASE("a flat range still has an axis", "[report]") {
  const auto ticks = report::find_ticks(0.5, 0.5, 6);
  REQUIRE(ticks.first < 0.5);
  REQUIRE(ticks.last > 0.5);
  REQUIRE(dnalm_test::error_id_of([] { static_cast<void>(report::find_ticks(not_a_number, 1, 6)); }) ==
          "dnalm.numeric.580");
}

TEST_CASE("a chart draws every point, band, level and legend entry", "[report]") {
  const std::string text = report::draw(two_curves());
  REQUIRE(count(text, "class=\"point\"") == 5);
  REQUIRE(count(text, "class=\"band\"") == 2);
  REQUIRE(count(text, "class=\"level-band\"") == 1);  // the second level has no interval
  REQUIRE(count(text, "one-hot  0.25") == 1);
  REQUIRE(count(text, "k-mer  0.26") == 1);
  REQUIRE(count(text, ">model</text>") == 1);
  REQUIRE(count(text, "r for &lt;x&gt;") == 2);  // title element and heading
  REQUIRE(text.find("nan") == std::string::npos);
}

TEST_CASE("higher scores stand higher", "[report]") {
  const std::string text = report::draw(two_curves());
  // Twins are drawn first (points 0 and 1), then the model's three points.
  REQUIRE(marker_y(text, 1) < marker_y(text, 0));
  REQUIRE(marker_y(text, 3) < marker_y(text, 2));
  REQUIRE(marker_y(text, 3) < marker_y(text, 4));
}

TEST_CASE("the best point is labelled, the lowest where lower is better", "[report]") {
  auto chart = two_curves();
  REQUIRE(report::draw(chart).find("class=\"words best number\">0.40<") != std::string::npos);
  chart.lower_is_better = true;
  REQUIRE(report::draw(chart).find("class=\"words best number\">0.10<") != std::string::npos);
  chart.label_best = false;
  REQUIRE(report::draw(chart).find("words best number") == std::string::npos);
}

TEST_CASE("a point says its place by the name of the axis, its value with the digits it takes", "[report]") {
  report::line_chart chart;
  chart.x_label = "position";
  chart.curves = {{"motif", {{12, 0.00021, 0.00012, 0.0003}, {14, 0.00042, 0.0004, 0.00044}}, 0}};
  REQUIRE(report::draw(chart).find("motif, position 12: 0.00021 [0.00012, 0.00030]") != std::string::npos);
}

TEST_CASE("a single layer gets a whisker, levels alone need no curve", "[report]") {
  report::line_chart chart;
  chart.curves = {{"model", {{4, 0.5, 0.4, 0.6}}, 0}};
  REQUIRE(count(report::draw(chart), "class=\"whisker\"") == 1);
  report::line_chart levels;
  levels.levels = {{"one-hot", 0.5, 0.4, 0.6}};
  REQUIRE(count(report::draw(levels), "class=\"level\"") == 1);
}

TEST_CASE("a chart refuses NaN and emptiness", "[report]") {
  auto chart = two_curves();
  chart.curves[0].points[1].value = not_a_number;
  REQUIRE(dnalm_test::error_id_of([&] { static_cast<void>(report::draw(chart)); }) == "dnalm.numeric.580");
  REQUIRE(dnalm_test::error_id_of([] { static_cast<void>(report::draw({})); }) == "dnalm.input.582");
}

TEST_CASE("labels of close levels do not touch", "[report]") {
  report::line_chart chart;
  for (int i = 0; i < 3; ++i)
    chart.levels.push_back({"l" + std::to_string(i), 0.5 + 1e-4 * i, not_a_number, not_a_number});
  chart.curves = {{"model", {{0, 0.1, not_a_number, not_a_number}, {1, 0.9, not_a_number, not_a_number}}, 0}};
  const std::string text = report::draw(chart);
  std::vector<double> heights;
  for (int i = 0; i < 3; ++i) {
    const std::size_t word = text.find(">l" + std::to_string(i) + "  ");
    const std::size_t at = text.rfind(" y=\"", word) + 4;
    heights.push_back(std::stod(text.substr(at)));
  }
  REQUIRE(std::abs(heights[0] - heights[1]) >= 14.9);
  REQUIRE(std::abs(heights[1] - heights[2]) >= 14.9);
}

TEST_CASE("a file carries its style, a drawing inside a page does not", "[report]") {
  auto chart = two_curves();
  REQUIRE(report::draw(chart).find("<style>") != std::string::npos);
  REQUIRE(report::draw(chart).find("prefers-color-scheme:dark") != std::string::npos);
  chart.standalone = false;
  REQUIRE(report::draw(chart).find("<style>") == std::string::npos);
}
