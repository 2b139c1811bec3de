// SPDX-License-Identifier: Apache-2.0
// dnalm-evaluate on good input: its files, and that equal input gives equal bytes.
#include <nlohmann/json.hpp>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/probe/probe_file.hpp>

#include <map>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

/// results.tsv as (model, layer, pooling, probe, target, metric) -> fields.
std::map<std::string, std::vector<std::string>> results_of(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> results;
  const auto rows = read_tsv(folder + "/results.tsv");
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::string key;
    for (int c = 0; c < 6; ++c) key += (c > 0 ? "|" : "") + rows[i][static_cast<std::size_t>(c)];
    results[key] = rows[i];
  }
  return results;
}

}  // namespace

TEST_CASE("dnalm-evaluate leaves a complete folder and prints table and report", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  const std::string out = dir / "deep/results";
  const auto result = run("dnalm-evaluate --model " + model + " --data " + table + " --out " + out);
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  REQUIRE(result.out.find("Report: " + out + "/report.html") != std::string::npos);
  REQUIRE(result.out.find("random:tiny") != std::string::npos);
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "t.tsv", "deep"});

  const auto rows = read_tsv(out + "/results.tsv");
  REQUIRE(rows[0] == std::vector<std::string>{"model", "layer", "pooling", "probe", "target", "metric",
                                              "value", "ci_low", "ci_high", "n_train", "n_test", "lambda",
                                              "seed"});
  REQUIRE(rows.size() == 1 + 4 * (3 + 3 + 2));  // four metrics: layers 0 to 2, the twin's, two baselines
  const auto results = results_of(out);
  for (const std::string key : {"tiny|0|mean|ridge|label|pearson", "tiny|2|mean|ridge|label|mse",
                                "random:tiny|1|mean|ridge|label|spearman", "onehot|-|-|ridge|label|r2",
                                "kmer|-|-|ridge|label|pearson"}) {
    INFO(key);
    REQUIRE(results.count(key) == 1);
    const auto& fields = results.at(key);
    REQUIRE(std::stod(fields[7]) <= std::stod(fields[6]));
    REQUIRE(std::stod(fields[6]) <= std::stod(fields[8]));
    REQUIRE(fields[9] == "96");
    REQUIRE(fields[10] == "24");
    REQUIRE(fields[12] == "1");
  }
  REQUIRE(std::stod(results.at("kmer|-|-|ridge|label|pearson")[6]) > 0.9);  // k-mers know GC content

  for (const std::string file :
       {"report.html", "manifest.json", "figures/label.pearson.svg", "probes/tiny.2.mean.ridge.safetensors",
        "probes/random.tiny.0.mean.ridge.safetensors"}) {
    INFO(file);
    REQUIRE(fs::file_size(out + "/" + file) > 100);
  }
  const auto manifest = dnalm::io::read_json_file(out + "/manifest.json");
  REQUIRE(manifest["data"]["sha256"] == dnalm::io::sha256_file(table));
  REQUIRE(manifest["models"][0]["files"][0]["sha256"] ==
          dnalm::io::sha256_file(model + "/model.safetensors"));
  REQUIRE(manifest["seed"] == 1);
  REQUIRE(manifest["command"][0] == "dnalm-evaluate");
  const auto probe = dnalm::load_probe(out + "/probes/tiny.2.mean.ridge.safetensors");
  REQUIRE(probe.model == "tiny");
  REQUIRE(probe.layer == 2);
  REQUIRE(probe.pooling == "mean");
}

TEST_CASE("predictions.tsv holds the test rows and gives the scores of results.tsv", "[programs]") {
  const scratch dir;
  const std::string out = dir / "out";
  REQUIRE(run("dnalm-evaluate --model " + make_model(dir, "tiny") + " --data " + make_table(dir, "t.tsv") +
              " --out " + out + " --bootstrap 0")
              .code == 0);
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> sources;
  const auto rows = read_tsv(out + "/predictions.tsv");
  REQUIRE(rows[0] == std::vector<std::string>{"name", "model", "layer", "pooling", "probe", "target", "label",
                                              "prediction"});
  REQUIRE(rows.size() == 1 + 24 * 8);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    auto& source = sources[rows[i][1] + "|" + rows[i][2] + "|" + rows[i][3] + "|ridge|label|pearson"];
    source.first.push_back(std::stod(rows[i][6]));
    source.second.push_back(std::stod(rows[i][7]));
  }
  const auto results = results_of(out);
  for (const auto& [key, values] : sources) {
    INFO(key);
    REQUIRE(values.first.size() == 24);
    const double r = dnalm::metrics::pearson(values.first, values.second);
    REQUIRE(r == Approx(std::stod(results.at(key)[6])).epsilon(1e-9));
    REQUIRE(results.at(key)[7] == "nan");  // no resamples, no interval
  }
}

TEST_CASE("equal seed, data and weights give equal bytes, whatever the threads and memory", "[programs]") {
  const scratch dir;
  const std::string command = "dnalm-evaluate --model " + make_model(dir, "tiny") + " --data " +
                              make_table(dir, "t.tsv", {.split = false}) +
                              " --bootstrap 50 --pool mean,max --out ";
  REQUIRE(run(command + (dir / "a")).code == 0);
  REQUIRE(run(command + (dir / "b") + " --threads 1").code == 0);
  REQUIRE(run(command + (dir / "c") + " --threads 3 --memory 40K").code ==
          0);  // no streamed statistics, spilled
  for (const std::string other : {"b", "c"}) {
    INFO(other);
    for (const auto& entry : fs::recursive_directory_iterator(dir / "a")) {
      const fs::path name = fs::relative(entry.path(), dir / "a");
      if (!entry.is_regular_file() || name == "manifest.json" || name == "report.html")
        continue;  // the command
      INFO(name.string());
      REQUIRE(content(entry.path()) == content(fs::path(dir / other) / name));
    }
  }
  REQUIRE(run(command + (dir / "d") + " --seed 2").code == 0);
  REQUIRE(content(dir / "a/results.tsv") != content(dir / "d/results.tsv"));
}

TEST_CASE("--embeddings gives the scores of the model that made them, in any order of rows", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  std::string reversed = content(table);
  std::vector<std::string> lines;
  std::istringstream in(reversed);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  reversed = lines[0] + "\n";
  for (std::size_t i = lines.size() - 1; i > 0; --i) reversed += lines[i] + "\n";
  write(dir / "r.tsv", reversed);
  REQUIRE(run("dnalm-embed --model " + model + " --input " + (dir / "r.tsv") + " --output " + (dir / "x.npz"))
              .code == 0);
  REQUIRE(run("dnalm-evaluate --model " + model + " --data " + table + " --out " + (dir / "a") +
              " --baseline none --bootstrap 20")
              .code == 0);
  const auto probed = run("dnalm-evaluate --embeddings " + (dir / "x.npz") + " --data " + table + " --out " +
                          (dir / "b") + " --baseline none --bootstrap 20");
  REQUIRE(probed.err.empty());
  const auto a = results_of(dir / "a");
  const auto b = results_of(dir / "b");
  REQUIRE(a.size() == 12);
  REQUIRE(b.size() == 12);
  for (const auto& [key, fields] : a) {
    INFO(key);
    const auto& other = b.at("x" + key.substr(4));
    REQUIRE(std::vector(fields.begin() + 6, fields.end()) == std::vector(other.begin() + 6, other.end()));
  }
  const auto last = run("dnalm-evaluate --embeddings " + (dir / "x.npz") + " --data " + table + " --out " +
                        (dir / "c") + " --baseline none --layers last --bootstrap 0");
  REQUIRE(last.code == 0);
  REQUIRE(results_of(dir / "c").size() == 4);
}

TEST_CASE("--embeddings takes any two-dimensional array and checks its rows", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "t.tsv");
  dnalm::philox random(3);
  std::vector<double> values(120 * 3);
  for (double& value : values) value = random.normal();
  const auto probe = [&](const std::string& file, const std::string& out) {
    return run("dnalm-evaluate --embeddings " + (dir / file) + " --data " + table + " --out " + (dir / out) +
               " --baseline none --bootstrap 0");
  };
  {
    dnalm::io::npz_writer file(dir / "any.npz");
    file.add("arr_0", values, {120, 3});
    file.finish();
  }
  REQUIRE(probe("any.npz", "a").code == 0);
  REQUIRE(results_of(dir / "a").count("any|-|arr_0|ridge|label|pearson") == 1);
  {
    dnalm::io::npz_writer file(dir / "short.npz");
    file.add("arr_0", std::vector<double>(119 * 3, 1.0), {119, 3});
    file.finish();
  }
  REQUIRE(probe("short.npz", "b").id() == "dnalm.input.595");
  {
    const std::vector<std::string> names = {"s0", "s1"};
    dnalm::io::npz_writer file(dir / "other.npz");
    file.add_strings("names", names);
    file.add("arr_0", std::vector<double>(6, 1.0), {2, 3});
    file.finish();
  }
  REQUIRE(probe("other.npz", "b").id() == "dnalm.input.595");
  {
    dnalm::io::npz_writer file(dir / "empty.npz");
    file.add("token_ids", std::vector<std::int32_t>{1, 2}, {2});
    file.finish();
  }
  REQUIRE(probe("empty.npz", "b").id() == "dnalm.input.594");
  values[7] = std::numeric_limits<double>::quiet_NaN();
  {
    dnalm::io::npz_writer file(dir / "nan.npz");
    file.add("arr_0", values, {120, 3});
    file.finish();
  }
  REQUIRE(probe("nan.npz", "b").id() == "dnalm.numeric.521");
  REQUIRE_FALSE(fs::exists(dir / "b"));
}

TEST_CASE("labels that are classes get a logistic probe and the scores of classes", "[programs]") {
  const scratch dir;
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + make_model(dir, "tiny") + " --data " +
                          make_table(dir, "t.tsv", {.classes = true}) + " --out " + out + " --bootstrap 20");
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  const auto results = results_of(out);
  for (const std::string metric : {"auroc", "auprc", "accuracy", "mcc", "f1"}) {
    INFO(metric);
    REQUIRE(results.count("tiny|1|mean|logistic|label|" + metric) == 1);
    REQUIRE(results.count("kmer|-|-|logistic|label|" + metric) == 1);
  }
  REQUIRE(std::stod(results.at("kmer|-|-|logistic|label|auroc")[6]) > 0.9);
  for (const auto& row : read_tsv(out + "/predictions.tsv")) {
    if (row[0] == "name") continue;
    REQUIRE((row[6] == "0" || row[6] == "1"));
    REQUIRE(std::stod(row[7]) >= 0.0);
    REQUIRE(std::stod(row[7]) <= 1.0);
  }
  REQUIRE(fs::exists(out + "/figures/label.auroc.svg"));
}

TEST_CASE("several targets, missing labels, two models of one name, both probes", "[programs]") {
  const scratch dir;
  fs::create_directory(dir / "a");
  fs::create_directory(dir / "b");
  fs::rename(make_model(dir, "tiny", 1), dir / "a/tiny");
  fs::rename(make_model(dir, "tiny", 2), dir / "b/tiny");
  auto rows = read_tsv(make_table(dir, "t.tsv"));
  std::string text = "name\tsequence\tlabel.gc\tlabel.high\tsplit\n";
  for (std::size_t i = 1; i < rows.size(); ++i) {
    text += rows[i][0] + "\t" + rows[i][1] + "\t" + (i % 7 == 0 ? "NaN" : rows[i][2]) + "\t" +
            (i % 5 == 0                    ? ""
             : std::stod(rows[i][2]) > 0.5 ? "1"
                                           : "0") +
            "\t" + rows[i][4] + "\n";
  }
  write(dir / "two.tsv", text);
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + (dir / "a/tiny") + " --model " + (dir / "b/tiny") +
                          " --data " + (dir / "two.tsv") + " --out " + out +
                          " --probe ridge,logistic --layers last --bootstrap 10 --baseline kmer,random");
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  const auto results = results_of(out);
  for (const std::string key :
       {"tiny|2|mean|ridge|gc|pearson", "tiny-2|2|mean|ridge|gc|pearson", "tiny|2|mean|ridge|high|auroc",
        "tiny|2|mean|logistic|high|auroc", "random:tiny-2|2|mean|logistic|high|mcc"}) {
    INFO(key);
    REQUIRE(results.count(key) == 1);
  }
  REQUIRE(results.count("tiny|2|mean|logistic|gc|pearson") == 0);
  REQUIRE(results.at("tiny|2|mean|ridge|gc|pearson")[6] != results.at("tiny-2|2|mean|ridge|gc|pearson")[6]);
  REQUIRE(std::stoi(results.at("tiny|2|mean|ridge|gc|pearson")[9]) < 96);
}

TEST_CASE("what a reader must know stands in the remarks of results.tsv", "[programs]") {
  const scratch dir;
  fs::create_directory_symlink(make_model(dir, "tiny"), dir / "alias");
  const auto rows = read_tsv(make_table(dir, "t.tsv"));
  std::string text = "name\tsequence\tlabel.gc\tlabel.high\tsplit\tgroup\n";
  for (std::size_t i = 1; i < rows.size(); ++i) {
    text += rows[i][0] + "\t" + rows[i][1] + "\t" + rows[i][2] + "\t" +
            (std::stod(rows[i][2]) > 0.5 ? "1" : "0") + "\t" + rows[i][4] + "\t" + rows[i][4] +
            std::to_string(i % 3) + "\n";
  }
  write(dir / "few.tsv", text);
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --model " + (dir / "alias") + " --data " + (dir / "few.tsv") +
                          " --out " + out + " --probe logistic --layers last --bootstrap 10 --baseline none");
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  REQUIRE(results_of(out).count("alias|2|mean|logistic|high|auroc") == 1);
  const std::string written = content(out + "/results.tsv");
  REQUIRE(written.find("target gc: left out, no probe asked for fits its task") != std::string::npos);
  REQUIRE(written.find("target high: only 3 groups among the test rows") != std::string::npos);
}

TEST_CASE("a baseline beyond the memory budget is left out with a remark, the rest goes on", "[programs]") {
  const scratch dir;
  const std::size_t count = 4500;
  dnalm::philox random(3);
  std::vector<std::string> names;
  std::vector<float> vectors;
  std::string text = "name\tsequence\tlabel\tsplit\n";
  for (std::size_t i = 0; i < count; ++i) {
    std::string sequence;
    for (int base = 0; base < 1200; ++base) sequence += "ACGT"[random.below(4)];
    names.push_back("s" + std::to_string(i));
    vectors.push_back(static_cast<float>(random.normal()));
    vectors.push_back(static_cast<float>(random.normal()));
    text += names.back() + "\t" + sequence + "\t" + std::to_string(vectors.back() + 0.1 * random.normal()) +
            (i % 10 == 0 ? "\ttest\n" : (i % 10 == 1 ? "\tvalid\n" : "\ttrain\n"));
  }
  write(dir / "wide.tsv", text);
  dnalm::io::npz_writer file(dir / "x.npz");
  file.add_strings("names", names);
  file.add("mean/layer_1", std::span<const float>(vectors), {static_cast<dnalm::index_t>(count), 2});
  file.finish();
  const std::string out = dir / "out";
  const auto result = run("dnalm-evaluate --embeddings " + (dir / "x.npz") + " --data " + (dir / "wide.tsv") +
                          " --out " + out + " --bootstrap 0 --baseline onehot --memory 1M");
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  REQUIRE(results_of(out).count("x|1|mean|ridge|label|pearson") == 1);
  REQUIRE(results_of(out).count("onehot|-|-|ridge|label|pearson") == 0);
  REQUIRE(content(out + "/results.tsv").find("baseline onehot: left out") != std::string::npos);
}

TEST_CASE("earlier results are replaced, other folders are refused", "[programs]") {
  const scratch dir;
  const std::string command = "dnalm-evaluate --model " + make_model(dir, "tiny") + " --data " +
                              make_table(dir, "t.tsv") +
                              " --layers last --bootstrap 0 --baseline none --out ";
  REQUIRE(run(command + (dir / "out")).code == 0);
  REQUIRE(run(command + (dir / "out") + " --seed 3").code == 0);
  REQUIRE(dnalm::io::read_json_file(dir / "out/manifest.json")["seed"] == 3);
  write(dir / "out/notes.txt", "mine");
  const auto refused = run(command + (dir / "out"));
  REQUIRE(refused.code == 2);
  REQUIRE(refused.id() == "dnalm.usage.590");
  REQUIRE(content(dir / "out/notes.txt") == "mine");
  REQUIRE(run(command + dir.path.string()).id() == "dnalm.usage.590");
}

TEST_CASE("dnalm-evaluate probes long sequences by windows when asked", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const auto rows = read_tsv(make_table(dir, "t.tsv"));
  std::string text = "name\tsequence\tlabel\tsplit\n";
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::string longer;
    for (int copy = 0; copy < (i % 20 == 0 ? 220 : 3); ++copy)
      longer += rows[i][1];  // some exceed 2048 tokens
    text += rows[i][0] + "\t" + longer + "\t" + rows[i][2] + "\t" + rows[i][4] + "\n";
  }
  write(dir / "long.tsv", text);
  const std::string command = "dnalm-evaluate --model " + model + " --data " + (dir / "long.tsv") +
                              " --layers last --bootstrap 0 --baseline random --out ";
  const auto refused = run(command + (dir / "a"));
  REQUIRE(refused.id() == "dnalm.input.406");
  REQUIRE(refused.err.find("--window") != std::string::npos);
  REQUIRE(run(command + (dir / "a") + " --window 64 --overlap 8").code == 0);
  REQUIRE(run(command + (dir / "b") + " --window 64 --overlap 8 --threads 1 --memory 40K --no-mmap").code ==
          0);
  REQUIRE(content(dir / "a/results.tsv") == content(dir / "b/results.tsv"));
  REQUIRE(content(dir / "a/predictions.tsv") == content(dir / "b/predictions.tsv"));
  REQUIRE(results_of(dir / "a").count("random:tiny|2|mean|ridge|label|pearson") == 1);
  const auto manifest = dnalm::io::read_json_file(dir / "a/manifest.json");
  REQUIRE(manifest.dump().find("64 tokens, overlap 8") != std::string::npos);
}
