// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include <dnalm/report/heat_map.hpp>
#include <dnalm/report/sequence_logo.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
namespace report = dnalm::report;

/// A letter as it is drawn: name, scales and corner.
struct placed_letter {
  char name;
  double width, height, x, y;
};

std::vector<placed_letter> letters_of(const std::string& svg) {
  const std::regex use(
      "<use href=\"#logo-([ACGT])\" transform=\"matrix\\(([-0-9.]+) 0 0 ([-0-9.]+) ([-0-9.]+) "
      "([-0-9.]+)\\)\"/>");
  std::vector<placed_letter> letters;
  for (std::sregex_iterator i(svg.begin(), svg.end(), use), end; i != end; ++i) {
    letters.push_back(
        {(*i)[1].str()[0], std::stod((*i)[2]), std::stod((*i)[3]), std::stod((*i)[4]), std::stod((*i)[5])});
  }
  return letters;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("a logo stacks by magnitude, and negative letters hang upside down", "[logo]") {
  report::sequence_logo logo{.title = "A < B", .values = dnalm::nucleotide_map(2), .y_label = "logit"};
  logo.values(0, 0) = 3;   // A
  logo.values(1, 0) = 1;   // C, nearer the axis
  logo.values(3, 0) = -2;  // T
  logo.values(2, 1) = -1;  // G
  const auto letters = letters_of(report::draw(logo));
  REQUIRE(letters.size() == 4);
  CHECK(letters[0].name == 'C');
  CHECK(letters[1].name == 'T');
  CHECK(letters[2].name == 'A');
  CHECK(letters[3].name == 'G');
  const double unit = -letters[0].height;  // what 1 is high
  CHECK(unit > 0);
  // Coordinates have two decimals.
  CHECK(std::abs(-letters[2].height - 3 * unit) < 0.03);
  CHECK(std::abs(letters[1].height - 2 * unit) < 0.03);
  CHECK(std::abs(letters[3].height - unit) < 0.02);
  const double zero = letters[0].y;
  CHECK(letters[1].y == zero);
  CHECK(std::abs(letters[2].y - (zero - unit)) < 0.02);
  CHECK(letters[3].y == zero);
  CHECK(letters[3].x > letters[0].x);
}

TEST_CASE("a logo has the classic colours, a described frame and escaped words", "[logo]") {
  report::sequence_logo logo{.title = "A < B", .description = "what", .values = dnalm::one_hot_map("ACGTN")};
  const std::string svg = report::draw(logo);
  CHECK(letters_of(svg).size() == 4);
  for (const char* colour : {"#008000", "#0000ff", "#ffa600", "#ff0000"}) CHECK(count_of(svg, colour) == 1);
  CHECK(svg.find("A &lt; B") != std::string::npos);
  CHECK(svg.find("role=\"img\"") != std::string::npos);
  CHECK(svg.find("<desc id=\"logo-desc\">what</desc>") != std::string::npos);
  CHECK(svg.find("font-family") == std::string::npos);
}

TEST_CASE("a long logo goes on in further lines with one scale and running positions", "[logo]") {
  report::sequence_logo logo{.values = dnalm::nucleotide_map(250), .first_position = 1001};
  for (index_t i = 0; i < 250; ++i) logo.values(0, i) = i == 240 ? 2 : 1;
  const std::string svg = report::draw(logo);
  const auto letters = letters_of(svg);
  REQUIRE(letters.size() == 250);
  CHECK(letters[0].x == letters[100].x);
  CHECK(letters[100].y > letters[0].y);
  CHECK(letters[200].y - letters[100].y == letters[100].y - letters[0].y);
  CHECK(std::abs(letters[240].height - 2 * letters[239].height) < 0.02);
  for (const char* position : {">1001<", ">1010<", ">1110<", ">1250<"}) {
    CHECK(svg.find(position) != std::string::npos);
  }
}

TEST_CASE("positions along a genome keep apart, and fall on the other strand", "[logo]") {
  report::sequence_logo logo{.values = dnalm::nucleotide_map(40), .first_position = 123456788};
  const std::string svg = report::draw(logo);
  CHECK(svg.find(">123456788<") == std::string::npos);  // it would touch the next
  CHECK(svg.find(">123456790<") < svg.find(">123456800<"));
  logo.falling = true;
  const std::string turned = report::draw(logo);
  CHECK(turned.find(">123456780<") < turned.find(">123456770<"));
}

TEST_CASE("very small numbers are shown with their power of ten", "[logo]") {
  report::sequence_logo logo{.values = dnalm::nucleotide_map(1), .y_label = "logit"};
  logo.values(0, 0) = 4e-12;
  const std::string svg = report::draw(logo);
  CHECK(svg.find("logit (\u00d710^-12)") != std::string::npos);
  CHECK(-letters_of(svg).at(0).height > 40);
  logo.values(0, 0) = 0;
  CHECK(letters_of(report::draw(logo)).empty());
}

TEST_CASE("logos that cannot be drawn are errors", "[logo]") {
  using dnalm_test::error_id_of;
  report::sequence_logo logo;
  CHECK(error_id_of([&] { (void)report::draw(logo); }) == "dnalm.input.582");
  logo.values = dnalm::nucleotide_map(3);
  logo.columns = 0;
  CHECK(error_id_of([&] { (void)report::draw(logo); }) == "dnalm.input.582");
  logo.columns = 10;
  logo.values(2, 2) = std::numeric_limits<double>::infinity();
  CHECK(error_id_of([&] { (void)report::draw(logo); }) == "dnalm.numeric.580");
  logo.values = dnalm::nucleotide_map(20001);
  CHECK(error_id_of([&] { (void)report::draw(logo); }) == "dnalm.input.597");
}

TEST_CASE("a heat map draws a rectangle for each run of one colour", "[heat]") {
  report::heat_map map{.title = "m", .rows = 2, .columns = 3, .values = {0, 0, 4, 2, 0, 4}, .x_label = "x"};
  const std::string svg = report::draw(map);
  const std::size_t bar = 64;  // the colour bar's rectangles
  CHECK(count_of(svg, "class=\"map-cells\"") == 3 + bar);
  CHECK(count_of(svg, "M72 36H120V60H72Z") == 1);    // two cells of 0
  CHECK(count_of(svg, "M120 36H144V60H120Z") == 1);  // 4
  CHECK(svg.find("fill=\"#ffffff\"") != std::string::npos);
  CHECK(svg.find("fill=\"#062456\"") != std::string::npos);
}

TEST_CASE("a diverging heat map is white at 0 and as far below as above", "[heat]") {
  report::heat_map map{
      .rows = 1, .columns = 3, .values = {-1, 0, 0.5}, .scale = report::colour_scale::diverging};
  const std::string svg = report::draw(map);
  CHECK(svg.find(">\u22121") != std::string::npos);
  CHECK(count_of(svg, "fill=\"#123a82\"") == 2);  // the lowest: a cell and the bar
  CHECK(count_of(svg, "fill=\"#863408\"") == 1);  // the highest: the bar only
}

TEST_CASE("letters, numbers and the label beside a heat map have room of their own", "[heat]") {
  const std::string place = R"re(<text x="([0-9.]+)" y="[0-9.]+" text-anchor=)re";
  const std::regex number(place + R"re("end" class="map-words">([0-9]+)<)re");
  const std::regex letter(place + R"re("middle" class="map-small">G<)re");
  report::heat_map map{.rows = 60, .columns = 60, .values = std::vector<double>(3600, 1.0)};
  map.x_letters = map.y_letters = std::string(60, 'G');
  for (const index_t first : {1, 1001, 12345678}) {
    map.first_position = first;
    const std::string svg = report::draw(map);
    CHECK(count_of(svg, "class=\"map-small\"") == 120);  // letters of 9 units in cells of 9.33, not of 12
    std::smatch found;
    REQUIRE(std::regex_search(svg, found, number));
    const double end = std::stod(found[1]);
    CHECK(end - 8.0 * static_cast<double>(found[2].str().size()) > 20);  // the label stands before 20
    double least = 1e9;
    for (std::sregex_iterator i(svg.begin(), svg.end(), letter), last; i != last; ++i) {
      least = std::min(least, std::stod((*i)[1]));
    }
    CHECK(end < least - 6);
  }
}

TEST_CASE("the label of a heat map's colours stands beside the numbers of the bar", "[heat]") {
  const std::regex tick(R"re(<text x="([0-9.]+)" y="[0-9.]+" class="map-words">([^<]+)<)re");
  const std::regex label(R"re(<text x="([0-9.]+)"[^>]*>bits<)re");
  for (const double most : {2.0, 12345.0}) {
    const report::heat_map map{.rows = 1, .columns = 1, .values = {most}, .value_label = "bits"};
    const std::string svg = report::draw(map);
    double end = 0;
    for (std::sregex_iterator i(svg.begin(), svg.end(), tick), last; i != last; ++i) {
      end = std::max(end, std::stod((*i)[1]) + 7.0 * static_cast<double>((*i)[2].str().size()));
    }
    std::smatch found;
    REQUIRE(std::regex_search(svg, found, label));
    CHECK(std::stod(found[1]) - end > 12);  // letters of 12 units, turned
    CHECK(std::stod(found[1]) - end < 24);
  }
}

TEST_CASE("numbers below a heat map do not touch", "[heat]") {
  report::heat_map map{.rows = 60, .columns = 60, .values = std::vector<double>(3600, 1.0)};
  map.first_position = 1234567890;
  const std::string svg = report::draw(map);
  CHECK(svg.find(">1234567900<") < svg.find(">1234567920<"));
  CHECK(svg.find(">1234567895<") == std::string::npos);  // 5 cells of 9.33 units for ten digits
  map.falling = true;
  const std::string turned = report::draw(map);
  CHECK(turned.find(">1234567880<") < turned.find(">1234567840<"));
}

TEST_CASE("a large heat map is drawn in blocks that keep the largest magnitude", "[heat]") {
  report::heat_map map{.rows = 600, .columns = 600, .values = std::vector<double>(360000, 0.0)};
  map.values[599 * 600 + 1] = -7;
  const std::string svg = report::draw(map);
  CHECK(svg.find("largest magnitude of 3 \u00d7 3") != std::string::npos);
  CHECK(svg.size() < 60000);
  CHECK(count_of(svg, "class=\"map-cells\"") == 64 + 2);
}

TEST_CASE("NaN is grey, and what is no table is an error", "[heat]") {
  using dnalm_test::error_id_of;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  report::heat_map map{.rows = 1, .columns = 2, .values = {nan, 1}};
  CHECK(report::draw(map).find("#9aa0a6") != std::string::npos);
  map.values = {nan, nan};
  CHECK(error_id_of([&] { (void)report::draw(map); }) == "dnalm.input.582");
  map.values = {1};
  CHECK(error_id_of([&] { (void)report::draw(map); }) == "dnalm.input.582");
  map.values = {1, std::numeric_limits<double>::infinity()};
  CHECK(error_id_of([&] { (void)report::draw(map); }) == "dnalm.numeric.580");
}

TEST_CASE("marked stretches of a logo are cut at the ends of lines and of the map", "[sequence_logo]") {
  report::sequence_logo logo{.values = dnalm::one_hot_map("ACGTACGTAC")};
  const std::string plain = draw(logo);
  CHECK(plain.find("class=\"map-mark\"") == std::string::npos);
  logo.columns = 5;
  logo.marks = {{.first = 3, .length = 4, .label = "M<1>", .tip = "p 1e-5"}, {.first = 8, .length = 90}};
  const std::string marked = draw(logo);
  std::size_t groups = 0;
  for (std::size_t at = marked.find("class=\"map-mark\""); at != std::string::npos;
       at = marked.find("class=\"map-mark\"", at + 1)) {
    ++groups;
  }
  CHECK(groups == 3);  // the first one on both lines
  CHECK(marked.find("M&lt;1&gt;") != std::string::npos);
  CHECK(marked.find("<title>p 1e-5</title>") != std::string::npos);
  CHECK(marked.find("width=\"16\"") != std::string::npos);  // two columns of 8 units
  logo.columns = 100;
  logo.marks = {{.first = 1, .length = 4, .label = "first"}, {.first = 2, .length = 4, .label = "second"}};
  CHECK(draw(logo).find("second") == std::string::npos);  // there is no room for it
  logo.marks = {{.first = 100, .length = 2}};
  CHECK(draw(logo).find("class=\"map-mark\"") == std::string::npos);
}

}  // namespace
