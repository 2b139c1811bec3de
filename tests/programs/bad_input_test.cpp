// SPDX-License-Identifier: Apache-2.0
// Bad input to dnalm-evaluate: one clear line, the right exit code, nothing left behind.
#include <cstring>
#include <functional>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// Runs an evaluation that must fail and checks that no trace of it is left.
outcome failing(const scratch& dir, const std::string& model, const std::string& table,
                const std::string& more = "", const std::string& before = "") {
  const auto entries = dir.entries();
  const auto result = run("dnalm-evaluate --model " + model + " --data " + table + " --out " + (dir / "out") +
                              " --bootstrap 10 --baseline none " + more,
                          before);
  CHECK(dir.entries() == entries);
  CHECK(result.out.empty());
  return result;
}

struct table_case {
  const char* what;
  std::function<std::string(const std::string&)> change;
  int code;
  const char* id;
};

std::string each_row(const std::string& table, const std::function<void(std::vector<std::string>&)>& change) {
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  std::string text = line + "\n";
  while (std::getline(lines, line)) {
    std::vector<std::string> fields;
    std::istringstream cut(line);
    for (std::string field; std::getline(cut, field, '\t');) fields.push_back(field);
    change(fields);
    for (std::size_t i = 0; i < fields.size(); ++i) text += (i > 0 ? "\t" : "") + fields[i];
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("tables that cannot be used are told before anything is computed", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string good = content(make_table(dir, "t.tsv"));
  const std::string classes = content(make_table(dir, "c.tsv", {.classes = true}));
  const auto set = [](std::size_t column, const std::string& value) {
    return [column, value](const std::string& table) {
      return each_row(table, [&](std::vector<std::string>& fields) { fields[column] = value; });
    };
  };
  const std::vector<table_case> cases = {
      {"an empty file", [](const std::string&) { return std::string(); }, 3, "dnalm.input.193"},
      {"a header alone", [](const std::string& t) { return t.substr(0, t.find('\n') + 1); }, 3,
       "dnalm.input.193"},
      {"no column sequence", [](const std::string& t) { return replaced(t, "sequence", "dna"); }, 3,
       "dnalm.format.185"},
      {"no labels", [](const std::string& t) { return replaced(t, "label", "note"); }, 3, "dnalm.input.596"},
      {"an empty sequence",
       [](const std::string& t) {
         const std::size_t at = t.find("s7\t") + 3;
         return t.substr(0, at) + t.substr(t.find('\t', at));
       },
       3, "dnalm.input.181"},
      {"letters that are not DNA", [](const std::string& t) { return replaced(t, "s7\t", "s7\tX"); }, 3,
       "dnalm.input.150"},
      {"RNA", [](const std::string& t) { return replaced(t, "s7\t", "s7\tU"); }, 3, "dnalm.input.151"},
      {"a sequence longer than the model allows",
       [](const std::string& t) { return replaced(t, "s7\t", "s7\t" + std::string(2100, 'N')); }, 3,
       "dnalm.input.406"},
      {"a name twice", [](const std::string& t) { return replaced(t, "s7\t", "s8\t"); }, 3,
       "dnalm.input.192"},
      {"an unknown split", [](const std::string& t) { return replaced(t, "\tvalid", "\tdev"); }, 3,
       "dnalm.input.190"},
      {"a group in two parts", [](const std::string& t) { return replaced(t, "\tg0\ttest", "\tg0\ttrain"); },
       3, "dnalm.input.527"},
      {"constant labels", set(2, "0.5"), 3, "dnalm.input.523"},
      {"no label at all", set(2, ""), 3, "dnalm.input.522"},
      {"no test rows",
       [](const std::string& t) {
         return each_row(t, [](auto& fields) { fields[4] = fields[4] == "test" ? "train" : fields[4]; });
       },
       3, "dnalm.input.525"},
      {"a label that is no number", [](const std::string& t) { return replaced(t, "\tg3\t", "x\tg3\t"); }, 3,
       "dnalm.input.189"},
      {"a test part without positives",
       [&](const std::string&) {
         return each_row(classes, [](auto& fields) { fields[2] = fields[4] == "test" ? "0" : fields[2]; });
       },
       3, "dnalm.input.526"},
      {"binary rubbish",
       [](const std::string&) {
         return std::string(
             "\x7f"
             "ELF\x02\x01\x00\x00",
             8);
       },
       3, ""},
      {"a cut gzip file", [](const std::string&) { return std::string("\x1f\x8b\x08\x00\x00", 5); }, 3, ""},
  };
  for (const auto& bad : cases) {
    INFO(bad.what);
    write(dir / "bad.tsv", bad.change(good));
    const auto result = failing(dir, model, dir / "bad.tsv");
    CHECK(result.code == bad.code);
    if (*bad.id != '\0') CHECK(result.id() == bad.id);
    CHECK(result.id().rfind("dnalm.", 0) == 0);
  }
}

TEST_CASE("models that cannot be used are told by name", "[programs]") {
  const scratch dir;
  const std::string table = make_table(dir, "t.tsv");
  const std::string model = make_model(dir, "tiny");
  const std::string weights = content(model + "/model.safetensors");
  const auto with_config = [&](const std::string& from, const std::string& to) {
    write(model + "/config.json", replaced(small_config, from, to));
    const auto result = failing(dir, model, table);
    write(model + "/config.json", small_config);
    return result;
  };
  const auto with_weights = [&](const std::string& bytes) {
    write(model + "/model.safetensors", bytes);
    const auto result = failing(dir, model, table);
    write(model + "/model.safetensors", weights);
    return result;
  };

  const auto contradiction = with_config("\"num_attention_heads\": 2", "\"num_attention_heads\": 3");
  CHECK(contradiction.code == 3);
  CHECK(contradiction.id() == "dnalm.config.403");
  const auto shapes = with_config("\"intermediate_size\": 24", "\"intermediate_size\": 25");
  CHECK(shapes.code == 3);
  CHECK(shapes.id() == "dnalm.shape.412");
  const auto layers = with_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
  CHECK(layers.id() == "dnalm.config.410");
  const auto fewer = with_config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
  CHECK(fewer.id() == "dnalm.config.411");
  const auto vocabulary = with_config("\"vocab_size\": 4107", "\"vocab_size\": 100");
  CHECK(vocabulary.code == 3);
  const auto unknown = with_config(
      "{\"architectures\": [\"EsmForMaskedLM\"], \"auto_map\":\n  {\"AutoModelForMaskedLM\": "
      "\"modeling_esm.EsmForMaskedLM\"}, \"add_bias_fnn\": false",
      "{\"architectures\": [\"StripedHyenaModelForCausalLM\"], \"model_type\": \"stripedhyena\"");
  CHECK(unknown.code == 4);
  CHECK(unknown.id() == "dnalm.unsupported.400");
  CHECK(with_config("{", "{{").id() == "dnalm.format.226");

  CHECK(with_weights(weights.substr(0, weights.size() - 100)).code == 3);
  CHECK(with_weights("").code == 3);
  std::string with_nan = weights;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(with_nan.data() + with_nan.size() - 64, &nan, sizeof nan);
  const auto poisoned = with_weights(with_nan);
  CHECK(poisoned.code == 3);
  CHECK(poisoned.id() == "dnalm.numeric.415");

  const std::string vocab = content(model + "/vocab.txt");
  write(model + "/vocab.txt", vocab.substr(0, vocab.size() / 2));
  const auto mismatch = failing(dir, model, table);
  CHECK(mismatch.code == 3);
  write(model + "/vocab.txt", vocab);
  fs::remove(model + "/config.json");
  CHECK(failing(dir, model, table).code == 3);
}

TEST_CASE("a broken second model is told before the first has run", "[programs]") {
  const scratch dir;
  const std::string good = make_model(dir, "good");
  const std::string bad = make_model(dir, "bad");
  write(bad + "/config.json", "{}");
  const auto result = failing(dir, good, make_table(dir, "t.tsv"), "--model " + bad);
  REQUIRE(result.code != 0);
  REQUIRE(result.err.find("bad") != std::string::npos);
}

TEST_CASE("a full disk leaves nothing behind", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const auto result = failing(dir, model, make_table(dir, "t.tsv"), "", "ulimit -f 4;");
  REQUIRE(result.code == 3);
  REQUIRE(result.id().rfind("dnalm.io.", 0) == 0);
}

TEST_CASE("an output folder that cannot be made is told", "[programs]") {
  const scratch dir;
  const auto result = run("dnalm-evaluate --model " + make_model(dir, "tiny") + " --data " +
                          make_table(dir, "t.tsv") + " --out /proc/dnalm/out");
  REQUIRE(result.code == 3);
  REQUIRE(result.id() == "dnalm.io.591");
}

TEST_CASE("logistic probes of numbers and layers that are not there are refused", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  const auto logistic = failing(dir, model, table, "--probe logistic");
  REQUIRE(logistic.code == 2);
  REQUIRE(logistic.id() == "dnalm.usage.535");
  const auto layer = failing(dir, model, table, "--layers 0,9");
  REQUIRE(layer.code == 2);
  REQUIRE(layer.id() == "dnalm.usage.451");
}

TEST_CASE("Ctrl-C ends with 130 and leaves nothing behind", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 3000});
  const auto entries = dir.entries();
  const auto result = run("dnalm-evaluate --model " + model + " --data " + table + " --out " + (dir / "out") +
                              " --bootstrap 20000 --threads 1",
                          "timeout --preserve-status -s INT 2");
  REQUIRE(result.code == 130);
  REQUIRE(result.err.find("interrupted") != std::string::npos);
  REQUIRE(dir.entries() == entries);
}
