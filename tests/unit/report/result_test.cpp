// SPDX-License-Identifier: Apache-2.0
#include <dnalm/report/figures.hpp>
#include <dnalm/report/html.hpp>
#include <dnalm/report/manifest.hpp>
#include <dnalm/report/result_table.hpp>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace report = dnalm::report;
namespace fs = std::filesystem;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

report::result_row row(const std::string& model, const std::string& layer, const std::string& metric,
                       double value) {
  report::result_row r;
  r.model = model;
  r.layer = layer;
  r.pooling = layer == "-" ? "-" : "mean";
  r.probe = "ridge";
  r.target = "label";
  r.metric = metric;
  r.value = value;
  r.ci_low = value - 0.05;
  r.ci_high = value + 0.05;
  r.n_train = 1200;
  r.n_test = 345;
  r.lambda = 0.1;
  return r;
}

std::vector<report::result_row> sample_rows() {
  std::vector<report::result_row> rows;
  for (const std::string metric : {"pearson", "mse"}) {
    const bool error = metric == "mse";
    const auto score = [&](double x) { return error ? 1 - x : x; };
    for (const auto& [layer, value] : {std::pair{"0", 0.3}, {"1", 0.6}, {"2", 0.5}}) {
      rows.push_back(row("tiny", layer, metric, score(value)));
    }
    rows.push_back(row("kmer", "-", metric, score(0.45)));
    rows.push_back(row("random:tiny", "0", metric, score(0.2)));
  }
  return rows;
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("results.tsv has the columns of the contract and numbers that read back exactly", "[report]") {
  const dnalm_test::temporary_folder folder;
  const fs::path file = folder / "results.tsv";
  auto rows = sample_rows();
  rows[0].value = 1.0 / 3.0;
  rows[0].lambda = 1e-5;
  rows[1].ci_low = not_a_number;
  report::write_results(file, rows, {"a remark"});
  std::istringstream lines(content(file));
  std::string line;
  std::getline(lines, line);
  REQUIRE(line == "# a remark");
  std::getline(lines, line);
  REQUIRE(
      line ==
      "model\tlayer\tpooling\tprobe\ttarget\tmetric\tvalue\tci_low\tci_high\tn_train\tn_test\tlambda\tseed");
  std::getline(lines, line);
  std::vector<std::string> fields;
  std::istringstream cut(line);
  for (std::string field; std::getline(cut, field, '\t');) fields.push_back(field);
  REQUIRE(fields.size() == 13);
  REQUIRE(std::stod(fields[6]) == 1.0 / 3.0);
  REQUIRE(std::stod(fields[11]) == 1e-5);
  std::getline(lines, line);
  REQUIRE(line.find("\tnan\t") != std::string::npos);
}

TEST_CASE("a name with a tab cannot break the table", "[report]") {
  const dnalm_test::temporary_folder folder;
  const fs::path file = folder / "results.tsv";
  auto rows = sample_rows();
  rows[0].model = "a\tb";
  REQUIRE(dnalm_test::error_id_of([&] { report::write_results(file, rows, {}); }).rfind("dnalm.", 0) == 0);
  REQUIRE_FALSE(fs::exists(file));
}

TEST_CASE("baselines and twins are told by their names", "[report]") {
  REQUIRE(report::kind_of("onehot") == report::source_kind::baseline);
  REQUIRE(report::kind_of("kmer") == report::source_kind::baseline);
  REQUIRE(report::kind_of("random:tiny") == report::source_kind::twin);
  REQUIRE(report::kind_of("kmer-2") == report::source_kind::model);
  REQUIRE(report::display_name("random:tiny") == "tiny, random weights");
}

TEST_CASE("the best layer is the largest score, the smallest error, and never NaN", "[report]") {
  auto rows = sample_rows();
  REQUIRE(report::best_layers(rows, "label", "pearson")[0].layer == "1");
  REQUIRE(report::best_layers(rows, "label", "mse")[0].layer == "1");
  rows[1].value = not_a_number;
  const auto best = report::best_layers(rows, "label", "pearson");
  REQUIRE(best.size() == 3);
  REQUIRE(best[0].layer == "2");
  REQUIRE(report::best_of(best, report::source_kind::baseline)->model == "kmer");
}

TEST_CASE("a target is judged by pearson, auroc or accuracy first", "[report]") {
  REQUIRE(report::primary_metric(sample_rows(), "label") == "pearson");
  std::vector<report::result_row> rows = {row("m", "0", "f1", 0.1), row("m", "0", "auroc", 0.1)};
  REQUIRE(report::primary_metric(rows, "label") == "auroc");
  rows.pop_back();
  REQUIRE(report::primary_metric(rows, "label") == "f1");
  REQUIRE(report::primary_metric(rows, "other").empty());
}

TEST_CASE("the summary shows one line per model with the best layer", "[report]") {
  const std::string text = report::summary_table(sample_rows());
  REQUIRE(text.find("tiny") != std::string::npos);
  REQUIRE(text.find("0.6000") != std::string::npos);
  REQUIRE(text.find("0.5500 to 0.6500") != std::string::npos);
  REQUIRE(text.find("0.3000") == std::string::npos);
  REQUIRE(text.find("random:tiny") != std::string::npos);
}

TEST_CASE("figures: one per target and metric, twins share the hue of their model", "[report]") {
  const auto figures = report::make_figures(sample_rows());
  REQUIRE(figures.size() == 2);
  REQUIRE(figures[0].file == "figures/label.pearson.svg");
  REQUIRE(figures[1].chart.lower_is_better);
  const auto& chart = figures[0].chart;
  REQUIRE(chart.curves.size() == 2);
  REQUIRE(chart.levels.size() == 1);
  REQUIRE(chart.curves[0].colour == chart.curves[1].colour);
  REQUIRE(chart.curves[1].style == report::curve_style::twin);
}

TEST_CASE("figures of targets whose names differ in odd letters only get files of their own", "[report]") {
  std::vector<report::result_row> rows = {row("m", "0", "pearson", 0.1), row("m", "0", "pearson", 0.2)};
  rows[0].target = "a/b";
  rows[1].target = "a b";
  const auto figures = report::make_figures(rows);
  REQUIRE(figures.size() == 2);
  REQUIRE(figures[0].file != figures[1].file);
  REQUIRE(figures[0].file.find("a_b") != std::string::npos);
}

TEST_CASE("undefined scores leave a gap, a metric without any is not drawn", "[report]") {
  auto rows = sample_rows();
  for (auto& r : rows) {
    if (r.metric == "mse") r.value = not_a_number;
  }
  rows[1].value = not_a_number;
  const auto figures = report::make_figures(rows);
  REQUIRE(figures.size() == 1);
  REQUIRE(figures[0].chart.curves[0].points.size() == 2);
}

TEST_CASE("the finding says who leads and whether intervals overlap", "[report]") {
  auto rows = sample_rows();
  std::string words = report::finding_in_words(rows, "label");
  REQUIRE(words.find("tiny predicts label with Pearson r 0.600") != std::string::npos);
  REQUIRE(words.find("k-mer counts, reaches 0.450") != std::string::npos);
  REQUIRE(words.find("ahead") != std::string::npos);
  rows[1].value = rows[2].value = rows[0].value = 0.46;
  for (auto* r : {&rows[0], &rows[1], &rows[2]}) r->ci_low = 0.41, r->ci_high = 0.51;
  words = report::finding_in_words(rows, "label");
  REQUIRE(words.find("no clear difference") != std::string::npos);
}

TEST_CASE("the page stands alone and nothing from outside becomes markup", "[report]") {
  auto rows = sample_rows();
  for (auto& r : rows) {
    if (r.model == "tiny") r.model = "<script>alert(1)</script>";
    r.target = "a\"><img src=x>";
  }
  report::manifest made;
  made.data = {"<b>.tsv", "00"};
  made.command = {"dnalm-evaluate", "--out", "</pre><script>"};
  made.sources = {{"<i>", "</dd>", 1, {{"<u>", "11"}}}};
  made.remarks = {"<s>"};
  const std::string page = report::report_page(rows, made);
  for (const std::string bad : {"<script", "<img", "<b>.tsv", "<i>", "<u>", "<s>"}) {
    REQUIRE(page.find(bad) == std::string::npos);
  }
  REQUIRE(page.find("http") == page.find("http-equiv"));  // the first is the content policy
  std::string rest = page;
  for (const std::string known : {"http-equiv", "http://www.w3.org/2000/svg"}) {
    for (std::size_t at = rest.find(known); at != std::string::npos; at = rest.find(known)) {
      rest.erase(at, known.size());
    }
  }
  REQUIRE(rest.find("http") == std::string::npos);
  REQUIRE(rest.find("url(") == std::string::npos);
  REQUIRE(page.find("<svg") != std::string::npos);
}

TEST_CASE("a report without rows is an error", "[report]") {
  REQUIRE(dnalm_test::error_id_of([] { static_cast<void>(report::report_page({}, {})); }) ==
          "dnalm.input.582");
}

TEST_CASE("the manifest is JSON with everything needed to repeat the run", "[report]") {
  report::manifest made;
  made.command = {"dnalm-evaluate", "--data", "a b.tsv"};
  made.seed = 18446744073709551615ULL;
  made.data = {"t.tsv", "abc"};
  made.rows = 10;
  made.sources = {{"tiny", "NT-v2", 12, {{"model.safetensors", "def"}}}};
  made.settings = {{"folds", "10"}};
  const auto json = dnalm::io::parse_json(report::manifest_json(made), "manifest.json");
  REQUIRE(json["seed"] == 18446744073709551615ULL);
  REQUIRE(json["data"]["sha256"] == "abc");
  REQUIRE(json["models"][0]["files"][0]["sha256"] == "def");
  REQUIRE(json["versions"]["dnalm"] == DNALM_VERSION_STRING);
  REQUIRE(json["settings"]["folds"] == "10");
  REQUIRE(report::manifest_json(made) == report::manifest_json(made));
  made.command = {"\xff\xfe"};
  REQUIRE_NOTHROW(dnalm::io::parse_json(report::manifest_json(made), "manifest.json"));
}

TEST_CASE("the command line can be pasted into a shell", "[report]") {
  REQUIRE(report::command_line({"dnalm-evaluate", "--data", "a b.tsv"}) == "dnalm-evaluate --data 'a b.tsv'");
  REQUIRE(report::command_line({"x", "it's", "", "$HOME"}) == "x 'it'\\''s' '' '$HOME'");
}
