// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/attribution/attribution_file.hpp>
#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::attribution_row;
using dnalm::index_t;
using dnalm_test::error_id_of;
using dnalm_test::temporary_folder;

attribution_row row_of(const std::string& name, const std::string& sequence, double factor) {
  attribution_row row{.name = name, .sequence = sequence, .attributions = dnalm::one_hot_map(sequence)};
  for (double& value : row.attributions.values) value *= factor;
  row.convergence_delta = factor / 8;
  row.entropy.assign(sequence.size(), 1.5);
  row.dependency.assign(sequence.size() * sequence.size(), -factor);
  return row;
}

TEST_CASE("an attribution file has every member with its shape, padded at the end", "[attribution_file]") {
  const temporary_folder folder("attribution");
  const auto file = folder / "a.npz";
  dnalm::attribution_writer writer(
      file, 5, {.attributions = true, .convergence_delta = true, .entropy = true, .dependency = true},
      {{"method", "saliency"}, {"strands", "forward \"only\""}});
  writer.add(row_of("first", "ACGTN", 2));
  writer.add(row_of("second", "tt", 0.5));
  writer.finish();
  const dnalm::io::npz_reader npz(file);
  const auto one_hot = npz.read("one_hot");
  CHECK(one_hot.type == dnalm::dtype::i8);
  CHECK(one_hot.shape == std::vector<index_t>{2, 4, 5});
  CHECK(one_hot.values<int>() == std::vector<int>{1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0,
                                                  0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0});
  const auto attributions = npz.read("attributions");
  CHECK(attributions.type == dnalm::dtype::f32);
  CHECK(attributions.shape == std::vector<index_t>{2, 4, 5});
  const auto values = attributions.values<double>();
  CHECK(values[0] == 2);
  CHECK(values[35] == 0.5);
  CHECK(values[37] == 0);
  CHECK(npz.read("names").texts() == std::vector<std::string>{"first", "second"});
  CHECK(npz.read("lengths").values<index_t>() == std::vector<index_t>{5, 2});
  CHECK(npz.read("convergence_delta").values<double>() == std::vector<double>{0.25, 0.0625});
  const auto entropy = npz.read("entropy").values<double>();
  CHECK(npz.read("entropy").shape == std::vector<index_t>{2, 5});
  CHECK(entropy[6] == 1.5);
  CHECK(std::isnan(entropy[7]));
  const auto dependency = npz.read("dependency");
  CHECK(dependency.shape == std::vector<index_t>{2, 5, 5});
  const auto pairs = dependency.values<double>();
  CHECK(std::vector<double>(pairs.begin() + 25, pairs.begin() + 35) ==
        std::vector<double>{-0.5, -0.5, 0, 0, 0, -0.5, -0.5, 0, 0, 0});
  const auto text = npz.read("conventions").values<std::uint8_t>();
  CHECK(npz.read("conventions").type == dnalm::dtype::u8);
  const auto conventions = nlohmann::json::parse(text.begin(), text.end());
  CHECK(conventions["method"] == "saliency");
  CHECK(conventions["strands"] == "forward \"only\"");
}

TEST_CASE("a file tells of each integral how many nodes it took and whether they were enough",
          "[attribution_file]") {
  const temporary_folder folder("attribution");
  dnalm::attribution_writer writer(folder / "a.npz", 4, {.attributions = false, .nodes = true},
                                   {{"tolerance", "unknown"}, {"method", "a"}});
  writer.add({.name = "x", .sequence = "ACG", .nodes = 32});
  writer.add({.name = "y", .sequence = "ACGT", .nodes = 1024, .within_tolerance = false});
  writer.set_convention("tolerance", "met by 1 of 2");
  writer.finish();
  const dnalm::io::npz_reader npz(folder / "a.npz");
  CHECK(npz.read("nodes").values<index_t>() == std::vector<index_t>{32, 1024});
  CHECK(npz.read("within_tolerance").type == dnalm::dtype::i8);
  CHECK(npz.read("within_tolerance").values<int>() == std::vector<int>{1, 0});
  const auto text = npz.read("conventions").values<std::uint8_t>();
  const auto conventions = nlohmann::json::parse(text.begin(), text.end());
  CHECK(conventions["tolerance"] == "met by 1 of 2");
  CHECK(conventions["method"] == "a");
}

TEST_CASE("a file tells shuffles, residuals and what is likeliest", "[attribution_file]") {
  const temporary_folder folder("attribution");
  dnalm::attribution_writer writer(
      folder / "a.npz", 4,
      {.attributions = false, .distinct_shuffles = true, .residuals = true, .likeliest = true}, {});
  attribution_row row{.name = "x", .sequence = "ACN", .distinct_shuffles = 3, .residuals = {0.5, -1}};
  row.likeliest_letters = "TCN";
  CHECK(error_id_of([&] { writer.add(row); }) == "dnalm.shape.885");
  row.likeliest_tokens = {9, 8, -1};
  writer.add(row);
  row.residuals = {0.5};
  CHECK(error_id_of([&] { writer.add(row); }) == "dnalm.shape.885");  // as many states in each row
  writer.finish();
  const dnalm::io::npz_reader npz(folder / "a.npz");
  CHECK(npz.read("distinct_shuffles").values<double>() == std::vector<double>{3});
  CHECK(npz.read("residuals").shape == std::vector<index_t>{1, 2});
  CHECK(npz.read("likeliest_letters").values<int>() == std::vector<int>{3, 1, -1, -1});
  CHECK(npz.read("likeliest_tokens").values<int>() == std::vector<int>{9, 8, -1, -1});
}

TEST_CASE("members that were not asked for are not in the file", "[attribution_file]") {
  const temporary_folder folder("attribution");
  dnalm::attribution_writer writer(folder / "a.npz", 4, {.attributions = false, .entropy = true}, {});
  writer.add({.name = "x", .sequence = "ACG", .entropy = {0, 1, 2}});
  writer.finish();
  const dnalm::io::npz_reader npz(folder / "a.npz");
  CHECK_FALSE(npz.contains("attributions"));
  CHECK_FALSE(npz.contains("convergence_delta"));
  CHECK_FALSE(npz.contains("nodes"));
  CHECK_FALSE(npz.contains("within_tolerance"));
  CHECK_FALSE(npz.contains("dependency"));
  CHECK(npz.contains("entropy"));
}

TEST_CASE("rows that do not fit are errors that name the sequence, and leave no file", "[attribution_file]") {
  const temporary_folder folder("attribution");
  {
    dnalm::attribution_writer writer(folder / "a.npz", 4, {}, {});
    CHECK(error_id_of([&] { writer.add(row_of("long", "ACGTA", 1)); }) == "dnalm.shape.885");
    auto row = row_of("wrong", "ACG", 1);
    row.attributions = dnalm::nucleotide_map(4);
    CHECK(error_id_of([&] { writer.add(row); }) == "dnalm.shape.885");
    row = row_of("nan", "ACG", std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_WITH(writer.add(row), Catch::Contains("dnalm.numeric.886") && Catch::Contains("nan"));
    CHECK(error_id_of([&] { writer.add(row_of("large", "ACG", 1e300)); }) == "dnalm.numeric.886");
    CHECK(error_id_of([&] { writer.add({.name = "letter", .sequence = "AXG"}); }) == "dnalm.input.150");
  }
  CHECK(folder.files() == 0);
  CHECK(error_id_of([&] { dnalm::attribution_writer w(folder / "b.npz", 0, {}, {}); }) == "dnalm.usage.887");
  CHECK(error_id_of([&] { dnalm::modisco_writer w((folder / "b").string(), 0); }) == "dnalm.usage.887");
}

TEST_CASE("files for TF-MoDISco hold the centre of rows with a letter everywhere", "[attribution_file]") {
  const temporary_folder folder("modisco");
  const std::string prefix = (folder / "run").string();
  dnalm::modisco_writer writer(prefix, 3);
  const auto add = [&](const std::string& sequence, double factor) {
    return writer.add(sequence, row_of("", sequence, factor).attributions);
  };
  CHECK(add("ACGT", 1));      // ACG
  CHECK_FALSE(add("AC", 1));  // too short
  CHECK_FALSE(add("ANG", 1));
  CHECK(add("NNACGNN", 2));  // the centre has no N
  CHECK(writer.dropped() == 2);
  writer.finish();
  const dnalm::io::npz_reader one_hot(prefix + ".ohe.npz");
  const dnalm::io::npz_reader attributions(prefix + ".attr.npz");
  CHECK(one_hot.read("arr_0").type == dnalm::dtype::i8);
  CHECK(one_hot.read("arr_0").shape == std::vector<index_t>{2, 4, 3});
  CHECK(one_hot.read("rows").values<index_t>() == std::vector<index_t>{0, 3});
  CHECK(attributions.read("arr_0").type == dnalm::dtype::f32);
  const std::vector<double> acg = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
  std::vector<double> both = acg;
  for (const double value : acg) both.push_back(2 * value);
  CHECK(attributions.read("arr_0").values<double>() == both);
}

TEST_CASE("tokens with their scores, and what a screen computed, are members of a file",
          "[attribution_file]") {
  const temporary_folder folder("attribution");
  attribution_row first = row_of("first", "ACG", 1);
  first.computed = dnalm::nucleotide_map(3);
  first.computed(2, 1) = 1;
  first.screen_recall = 0.5;
  for (const auto& [begin, end] : {std::pair<index_t, index_t>{0, 0}, {0, 1}, {1, 3}})
    first.tokens.append(7, begin, end);
  first.scores = {0.5, -1, 2};
  attribution_row second = row_of("second", "A", 1);
  second.computed = dnalm::nucleotide_map(1);
  second.tokens.append(3, 0, 1);
  second.scores = {4};
  {
    dnalm::attribution_writer writer(folder / "a.npz", 3, {.computed = true, .tokens = true}, {});
    writer.add(first);
    writer.add(second);
    writer.finish();
  }
  const dnalm::io::npz_reader npz(folder / "a.npz");
  CHECK(npz.read("computed").type == dnalm::dtype::boolean);
  CHECK(npz.read("computed").shape == std::vector<index_t>{2, 4, 3});
  std::vector<int> flags(24, 0);
  flags[7] = 1;
  CHECK(npz.read("computed").values<int>() == flags);
  CHECK(npz.read("screen_recall").values<double>() == std::vector<double>{0.5, 0});
  CHECK(npz.read("token_scores").values<double>() == std::vector<double>{0.5, -1, 2, 4});
  CHECK(npz.read("token_ids").values<int>() == std::vector<int>{7, 7, 7, 3});
  CHECK(npz.read("token_begin").values<int>() == std::vector<int>{0, 0, 1, 0});
  CHECK(npz.read("token_end").values<int>() == std::vector<int>{0, 1, 3, 1});
  CHECK(npz.read("offsets").values<int>() == std::vector<int>{0, 3, 4});
  dnalm::attribution_writer writer(folder / "b.npz", 3, {.computed = true, .tokens = true}, {});
  first.scores.pop_back();
  CHECK(error_id_of([&] { writer.add(first); }) == "dnalm.shape.885");
  second.computed = dnalm::nucleotide_map(2);
  CHECK(error_id_of([&] { writer.add(second); }) == "dnalm.shape.885");
}

TEST_CASE("sizes that contradict one another are errors", "[attribution_file]") {
  const temporary_folder folder("attribution");
  dnalm::attribution_writer writer(folder / "a.npz", 3, {.computed = true, .tokens = true}, {});
  attribution_row good = row_of("good", "A", 1);
  good.computed = dnalm::nucleotide_map(1);
  good.tokens.append(3, 0, 1);
  good.scores = {4};
  const auto refused = [&](auto change) {
    attribution_row row = good;
    change(row);
    return error_id_of([&] { writer.add(row); }) == "dnalm.shape.885";
  };
  CHECK(refused([](attribution_row& row) { row.computed.length = 1000; }));
  CHECK(refused([](attribution_row& row) { row.attributions.length = 1000; }));
  CHECK(refused([](attribution_row& row) { row.tokens.begin = {}; }));
  CHECK(refused([](attribution_row& row) { row.tokens.end.push_back(9); }));
  CHECK_FALSE(refused([](attribution_row&) {}));
}

TEST_CASE("a row that is refused leaves nothing in any member", "[attribution_file]") {
  const temporary_folder folder("attribution");
  dnalm::attribution_writer writer(folder / "a.npz", 3, {.attributions = true, .tokens = true}, {});
  attribution_row row = row_of("row", "ACG", 1);
  row.tokens.append(3, 0, 1);
  row.tokens.append(4, 1, 3);
  row.scores = {4, std::numeric_limits<double>::quiet_NaN()};
  CHECK(error_id_of([&] { writer.add(row); }) == "dnalm.numeric.886");
  row.scores = {4, 5};
  writer.add(row);
  writer.finish();
  const dnalm::io::npz_reader npz(folder / "a.npz");
  CHECK(npz.read("one_hot").shape == std::vector<index_t>{1, 4, 3});
  CHECK(npz.read("attributions").shape == std::vector<index_t>{1, 4, 3});
  CHECK(npz.read("names").texts() == std::vector<std::string>{"row"});
  CHECK(npz.read("token_scores").values<double>() == std::vector<double>{4, 5});
  CHECK(npz.read("token_ids").values<int>() == std::vector<int>{3, 4});
  CHECK(npz.read("offsets").values<int>() == std::vector<int>{0, 2});
}

}  // namespace
