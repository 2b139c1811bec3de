// SPDX-License-Identifier: Apache-2.0
// A dozen hostile files through the programs: one line on standard error, the right exit code, no output left
// behind.
#include <functional>

#include <programs/workbench.hpp>

#include <support/catch.hpp>
#include <support/small_models.hpp>

#include "hostile_case.hpp"

namespace {

struct program_case {
  std::string wrong;
  std::string id;
  int code = 3;
  std::function<void(const std::filesystem::path&)> change;  ///< of the folder with `model` and `input`
};

void prepare(const workbench::scratch& dir) {
  const auto model = dir.path / "model";
  std::filesystem::create_directory(model);
  dnalm_test::write_nt_v2_folder(model);
  dnalm_test::write_tensors(model / "model.safetensors", dnalm_test::random_tensors(model));
  workbench::write(dir.path / "input", ">one\nACGTACGTNACG\n>two\nGGG\n");
}

std::function<void(const std::filesystem::path&)> text(const std::string& file, const std::string& content) {
  return [=](const std::filesystem::path& f) { workbench::write(f / file, content); };
}

std::function<void(const std::filesystem::path&)> change(const std::string& file, const std::string& from,
                                                         const std::string& to) {
  return [=](const std::filesystem::path& f) {
    workbench::write(f / file, dnalm_test::replaced(workbench::content(f / file), from, to));
  };
}

std::function<void(const std::filesystem::path&)> cut(const std::string& file, std::uintmax_t bytes) {
  return [=](const std::filesystem::path& f) { std::filesystem::resize_file(f / file, bytes); };
}

}  // namespace

TEST_CASE("the programs refuse hostile files with one line and leave nothing", "[hostile]") {
  const std::string weights = "model/model.safetensors";
  const std::vector<program_case> embeddings = {
      {"nothing", "", 0, [](const std::filesystem::path&) {}},
      {"weights are cut", "dnalm.format.258", 3, cut(weights, 30'000)},
      {"weights are an HTML page", "dnalm.format.289", 3, text(weights, "<!DOCTYPE html>")},
      {"weights are a pickle that calls", "dnalm.format.271", 3,
       text(weights, std::string("PK\x05\x06", 4) + std::string(18, '\0'))},
      {"the header of the weights is 2^63 bytes long", "dnalm.format.255", 3,
       text(weights, dnalm_test::little(std::uint64_t{1} << 63, 8) + "{}")},
      {"a shard outside the folder", "dnalm.format.282", 3,
       [](const std::filesystem::path& f) {
         std::filesystem::remove(f / "model/model.safetensors");
         workbench::write(f / "model/model.safetensors.index.json",
                          R"({"weight_map": {"x": "../../etc/passwd"}})");
       }},
      {"config.json is nested too deeply", "dnalm.format.227", 3,
       text("model/config.json", std::string(100'000, '['))},
      {"another architecture", "dnalm.unsupported.400", 4,
       text("model/config.json", R"({"model_type": "llama"})")},
      {"no heads", "dnalm.config.402", 3,
       change("model/config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 0")},
      {"more layers than weights", "dnalm.config.410", 3,
       change("model/config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 4096")},
      {"a vocabulary of another model", "dnalm.config.414", 3,
       change("model/config.json", "\"vocab_size\": 75", "\"vocab_size\": 80")},
      {"a token twice", "dnalm.config.310", 3, change("model/vocab.txt", "AAT\n", "AAA\n")},
      {"an unknown tokenizer", "dnalm.unsupported.302", 4,
       change("model/tokenizer_config.json", "EsmTokenizer", "LlamaTokenizer")},
      {"an empty input", "dnalm.input.193", 3, text("input", "")},
      {"an input with an escape sequence", "dnalm.format.175", 3, text("input", ">\x1b[2J\nACGT\n")},
      {"a letter that is not DNA", "dnalm.input.150", 3, text("input", ">one\nACGX\n")},
      {"gzip that is cut", "dnalm.format.172", 3,
       text("input", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10))},
      {"bzip2", "dnalm.unsupported.173", 4, text("input", "BZh91AY&SYxxxxxxxx")},
      {"a sequence longer than the model allows", "dnalm.input.406", 3,
       text("input", ">one\n" + std::string(3'000, 'A') + "\n")},
  };
  for (const auto& row : embeddings) {
    INFO(row.wrong);
    const workbench::scratch dir;
    prepare(dir);
    row.change(dir.path);
    const auto before = dir.entries();
    for (const std::string program : {"dnalm-embed --pool mean", "dnalm-attribute --method entropy",
                                      "dnalm-attribute --method saliency --logit 3"}) {
      INFO(program);
      const auto result = workbench::run(program + " --model " + (dir / "model") + " --input " +
                                         (dir / "input") + " --output " + (dir / "out.npz") + " --quiet");
      INFO(result.err);
      CHECK(result.code == row.code);
      if (row.id.empty()) continue;
      CHECK(result.id() == row.id);
      const bool names_file = result.err.find(dir.path.string()) != std::string::npos;
      CHECK(
          (names_file || row.id == "dnalm.input.406"));  // a sequence by itself: the message names its record
      CHECK(result.err.size() < 4000);
      CHECK(dir.entries() == before);
    }
  }
}

TEST_CASE("a terminal's escape sequences in names of a file never reach the terminal", "[hostile]") {
  const workbench::scratch dir;
  prepare(dir);
  auto list = dnalm_test::random_tensors(dir.path / "model");
  list.push_back({"evil\x1b]0;owned\x07\n\r", {1}, {1.0F}});
  dnalm_test::write_tensors(dir.path / "model" / "model.safetensors", list);
  const auto result =
      workbench::run("dnalm-embed --model " + (dir / "model") + " --input " + (dir / "input") + " --output " +
                     (dir / "out.npz") + " --pool mean --quiet");
  CHECK(result.id() == "dnalm.config.411");
  CHECK(result.err.find('\x1b') == std::string::npos);
  const auto shown = workbench::run("dnalm-inspect " + (dir / "model"));
  CHECK(shown.out.find("evil") != std::string::npos);
  CHECK(shown.out.find('\x1b') == std::string::npos);
  CHECK(shown.out.find('\x07') == std::string::npos);
}
