// SPDX-License-Identifier: Apache-2.0
// The whole evaluation with models is tested through the programs (tests/programs); here are its parts.
#include <dnalm/report/evaluation.hpp>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/npz.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace report = dnalm::report;
namespace fs = std::filesystem;
using dnalm_test::error_id_of;

namespace {

/// Rows whose label is 2 x0 - x1 of `vectors` and a little noise.
struct sample {
  dnalm::io::sequence_table table;
  std::vector<float> vectors;
};

sample make_sample(int rows) {
  sample made;
  made.table.file = "memory";
  made.table.targets = {"label"};
  dnalm::philox random(11);
  for (int i = 0; i < rows; ++i) {
    const double x0 = random.normal();
    const double x1 = random.normal();
    made.vectors.insert(made.vectors.end(), {static_cast<float>(x0), static_cast<float>(x1), 0.0F});
    dnalm::io::sequence_record record;
    record.name = "s" + std::to_string(i);
    for (int base = 0; base < 20; ++base) record.sequence.push_back("ACGT"[random.below(4)]);
    record.labels = {2 * x0 - x1 + 0.01 * random.normal()};
    record.number = i;
    made.table.records.push_back(record);
  }
  return made;
}

report::evaluation_options quiet_options() {
  report::evaluation_options options;
  options.resamples = 20;
  options.display = dnalm::progress_display::never;
  return options;
}

}  // namespace

TEST_CASE("lists of probes and baselines are read, later ones named, others refused", "[report]") {
  using report::baseline_kind;
  REQUIRE(report::parse_baselines("none").empty());
  REQUIRE(report::parse_baselines("random,kmer") == std::vector{baseline_kind::random, baseline_kind::kmer});
  REQUIRE(report::parse_probes("ridge") == std::vector{dnalm::probe_kind::ridge});
  REQUIRE(error_id_of([] { static_cast<void>(report::parse_baselines("")); }) == "dnalm.usage.592");
  REQUIRE(error_id_of([] { static_cast<void>(report::parse_baselines("kmer,kmer")); }) == "dnalm.usage.592");
  REQUIRE(error_id_of([] { static_cast<void>(report::parse_baselines("onehot,cnn")); }) ==
          "dnalm.unsupported.593");
  REQUIRE(error_id_of([] { static_cast<void>(report::parse_probes("mlp")); }) == "dnalm.unsupported.593");
  REQUIRE(error_id_of([] { static_cast<void>(report::parse_probes("svm")); }) == "dnalm.usage.592");
}

TEST_CASE("a table without labels cannot be evaluated", "[report]") {
  auto made = make_sample(50);
  made.table.targets.clear();
  const auto make = [&] {
    static_cast<void>(report::make_problem(made.table, dnalm::task_kind::automatic, 1));
  };
  REQUIRE(error_id_of(make) == "dnalm.input.596");
}

TEST_CASE("splits come from the seed when the table has none, and from the table when it has", "[report]") {
  auto made = make_sample(100);
  const auto parts = [&](std::uint64_t seed) {
    return report::make_problem(made.table, dnalm::task_kind::automatic, seed).table().parts;
  };
  REQUIRE(parts(1) == parts(1));
  REQUIRE(parts(1) != parts(2));
  const auto once = parts(1);
  REQUIRE(std::count(once.begin(), once.end(), dnalm::split_part::test) == 10);
  made.table.has_split = true;
  for (std::size_t i = 0; i < 100; ++i) {
    made.table.records[i].split = i < 60 ? "train" : i < 70 ? "valid" : "test";
  }
  const auto given = parts(1);
  REQUIRE(std::count(given.begin(), given.end(), dnalm::split_part::test) == 30);
}

TEST_CASE("names of sources are unique, also as file names and beside the baselines", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto made = make_sample(50);
  report::result_folder out(dir / "out");
  report::evaluation evaluation(made.table, quiet_options(), out);
  REQUIRE(evaluation.reserve_name("tiny") == "tiny");
  REQUIRE(evaluation.reserve_name("tiny") == "tiny-2");
  REQUIRE(evaluation.reserve_name("kmer") == "kmer-2");
  REQUIRE(evaluation.reserve_name("a b") == "a b");
  REQUIRE(evaluation.reserve_name("a_b") == "a_b-2");  // the same probe file otherwise
  REQUIRE(evaluation.reserve_name("random:x\t") == "random_x_");
  REQUIRE(evaluation.reserve_name("") == "model");
}

TEST_CASE("vectors that hold the label are found, the letters do not hold it", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto made = make_sample(400);
  {
    dnalm::io::npz_writer file(dir / "x.npz");
    file.add("mean/layer_3", made.vectors, {400, 3});
    file.finish();
  }
  report::result_folder out(dir / "out");
  auto options = quiet_options();
  options.baselines = {report::baseline_kind::onehot};
  int checks = 0;
  options.check = [&] { ++checks; };
  report::evaluation evaluation(made.table, options, out);
  evaluation.add_baselines();
  evaluation.add_vectors("x", dir / "x.npz", false, false);
  const auto rows = evaluation.rows();
  REQUIRE(rows.size() == 8);
  REQUIRE(rows[0].model == "x");  // models first, however they were added
  REQUIRE(rows[0].layer == "3");
  REQUIRE(rows[0].metric == "pearson");
  REQUIRE(rows[0].value > 0.999);
  REQUIRE(rows[4].model == "onehot");
  REQUIRE(std::abs(rows[4].value) < 0.6);
  evaluation.finish({});
  REQUIRE(checks >= 3);
  REQUIRE(fs::exists(dir / "out" / "probes" / "x.3.mean.ridge.safetensors"));
  REQUIRE(dir.files() == 2);
}

TEST_CASE("arrays whose names differ in letters that files cannot have get probes of their own", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto made = make_sample(100);
  {
    dnalm::io::npz_writer file(dir / "x.npz");
    file.add("foo bar", made.vectors, {100, 3});
    file.add("foo_bar", std::vector<float>(300, 1.0F), {100, 3});
    file.finish();
  }
  report::result_folder out(dir / "out");
  report::evaluation evaluation(made.table, quiet_options(), out);
  evaluation.add_vectors("x", dir / "x.npz", false, false);
  const auto rows = evaluation.rows();
  REQUIRE(rows.size() == 8);
  REQUIRE(rows[0].pooling == "foo_bar");
  REQUIRE(rows[0].value > 0.99);
  REQUIRE(rows[4].pooling == "foo_bar-2");
  REQUIRE_FALSE(rows[4].value > 0.99);
  evaluation.finish({});
  for (const std::string name : {"foo_bar", "foo_bar-2"}) {
    REQUIRE(fs::exists(dir / "out" / "probes" / ("x.-." + name + ".ridge.safetensors")));
  }
}

TEST_CASE("errors name the output folder, not the hidden one behind it", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto made = make_sample(100);
  report::result_folder out(dir / "out");
  report::evaluation evaluation(made.table, quiet_options(), out);
  const fs::path hidden = out.file("probes").parent_path();
  fs::create_directories(hidden / "probes" / "onehot.-.-.ridge.safetensors");  // in the way of a file
  try {
    evaluation.add_baselines();
    FAIL("no error");
  } catch (const dnalm::error& e) {
    const std::string line = e.what();
    INFO(line);
    REQUIRE(e.id() == "dnalm.io.222");
    REQUIRE(line.find((dir / "out" / "probes").string()) != std::string::npos);
    REQUIRE(line.find(".partial") == std::string::npos);
    REQUIRE(line.find("[dnalm.io.222]: cannot create the output file, in ") == 0);
  }
}

TEST_CASE("a class without training rows points to regression", "[report]") {
  auto made = make_sample(60);
  made.table.has_split = true;
  for (std::size_t i = 0; i < 60; ++i) {
    made.table.records[i].split = i < 40 ? "train" : "test";
    made.table.records[i].labels = {static_cast<double>(i < 40 ? i % 3 : i % 4)};
  }
  try {
    (void)report::make_problem(made.table, dnalm::task_kind::automatic, 1);
    FAIL("no error");
  } catch (const dnalm::error& e) {
    REQUIRE(e.id() == "dnalm.input.540");
    REQUIRE(std::string(e.what()).find("--task regression") != std::string::npos);
  }
}

TEST_CASE("a check that throws stops the evaluation and nothing stays", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto made = make_sample(100);
  auto options = quiet_options();
  options.check = [] { throw 7; };
  {
    report::result_folder out(dir / "out");
    report::evaluation evaluation(made.table, options, out);
    REQUIRE_THROWS_AS(evaluation.add_baselines(), int);
  }
  REQUIRE(fs::is_empty(dir.path()));
}
