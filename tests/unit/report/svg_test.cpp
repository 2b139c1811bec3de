// SPDX-License-Identifier: Apache-2.0
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>

#include <limits>

#include <support/catch.hpp>

namespace report = dnalm::report;

namespace {

report::svg_drawing small_drawing() {
  return report::svg_drawing({.width = 10, .height = 5, .id = "d"});
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a drawing without a description has no empty one", "[report]") {
  const std::string plain = small_drawing().finish();
  REQUIRE(plain.find("desc") == std::string::npos);
  REQUIRE(plain.find("aria-labelledby=\"d-title\"") != std::string::npos);
  const std::string told =
      report::svg_drawing({.width = 10, .height = 5, .description = "Bars", .id = "d"}).finish();
  REQUIRE(told.find("<desc id=\"d-desc\">Bars</desc>") != std::string::npos);
  REQUIRE(told.find("aria-labelledby=\"d-title d-desc\"") != std::string::npos);
}

TEST_CASE("markup is escaped, whatever a name holds", "[report]") {
  REQUIRE(report::escape_markup("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  REQUIRE(report::escape_markup("r\u00b2 \u2013 \U0001F9EC") == "r\u00b2 \u2013 \U0001F9EC");
  REQUIRE(report::escape_markup(std::string_view("a\0b\x1b\x7f", 5)) == "a\ufffdb\ufffd\ufffd");
}

TEST_CASE("bytes that are not UTF-8 become replacement characters", "[report]") {
  REQUIRE(report::escape_markup("\xff") == "\ufffd");
  REQUIRE(report::escape_markup("\xc3") == "\ufffd");                                    // cut
  REQUIRE(report::escape_markup("\xc0\xbc") == "\ufffd\ufffd");                          // overlong <
  REQUIRE(report::escape_markup("\xed\xa0\x80") == "\ufffd\ufffd\ufffd");                // surrogate
  REQUIRE(report::escape_markup("\xf4\x90\x80\x80").find('\xf4') == std::string::npos);  // beyond U+10FFFF
  REQUIRE(report::escape_markup("\xe0\x80\xbcx").back() == 'x');
}

TEST_CASE("file names never leave their folder", "[report]") {
  REQUIRE(report::file_name_text("../../etc/passwd") == "_._.._etc_passwd");
  REQUIRE(report::file_name_text("") == "_");
  REQUIRE(report::file_name_text(".hidden") == "_hidden");
  REQUIRE(report::file_name_text("HepG2 (log2)") == "HepG2__log2_");
  REQUIRE(report::file_name_text(std::string(500, 'x')).size() == 120);
}

TEST_CASE("numbers for people", "[report]") {
  REQUIRE(report::rounded_text(0.6249, 2) == "0.62");
  REQUIRE(report::rounded_text(-0.5, 1) == "\u22120.5");
  REQUIRE(report::rounded_text(-0.001, 2) == "0.00");
  REQUIRE(report::rounded_text(not_a_number, 2) == "\u2013");
  REQUIRE(report::grouped_text(1234567) == "1,234,567");
  REQUIRE(report::grouped_text(999) == "999");
  REQUIRE(report::grouped_text(-1000) == "-1,000");
}

TEST_CASE("a drawing refuses coordinates that cannot be drawn", "[report]") {
  auto drawing = small_drawing();
  REQUIRE(dnalm_test::error_id_of([&] {
            drawing.line({0, not_a_number}, {1, 1}, "a");
          }) == "dnalm.numeric.580");
  REQUIRE(dnalm_test::error_id_of([&] { drawing.circle({0, 0}, 1e300, "a"); }) == "dnalm.numeric.580");
  REQUIRE(dnalm_test::error_id_of([&] {
            drawing.polyline({{0, 0}, {not_a_number, 1}}, "a");
          }) == "dnalm.numeric.580");
}

TEST_CASE("a drawing with an open group is not finished", "[report]") {
  auto drawing = small_drawing();
  drawing.begin_group("g");
  REQUIRE(dnalm_test::error_id_of([&] { static_cast<void>(drawing.finish()); }) == "dnalm.internal.581");
  drawing.end_group();
  REQUIRE(drawing.finish().find("</g>\n</svg>") != std::string::npos);
}

TEST_CASE("a drawing writes short numbers, escaped text and an accessible title", "[report]") {
  report::svg_drawing drawing(
      {.width = 100, .height = 50, .title = "A < B", .description = "what", .id = "fig"});
  drawing.line({0.123, 1}, {2.5, -0.001}, "x");
  drawing.text({1, 2}, "<script>", "words", report::text_anchor::end, -90);
  const std::string text = drawing.finish();
  REQUIRE(text.find("x1=\"0.12\" y1=\"1\" x2=\"2.5\" y2=\"0\"") != std::string::npos);
  REQUIRE(text.find("&lt;script&gt;") != std::string::npos);
  REQUIRE(text.find("<script>") == std::string::npos);
  REQUIRE(text.find("role=\"img\"") != std::string::npos);
  REQUIRE(text.find("<title id=\"fig-title\">A &lt; B</title>") != std::string::npos);
  REQUIRE(text.find("transform=\"rotate(-90 1 2)\"") != std::string::npos);
}
