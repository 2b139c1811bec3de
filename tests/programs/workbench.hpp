// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the tests of the programs share: a scratch folder, a small model, tables, running a program.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/inspect.hpp>

namespace workbench {

namespace fs = std::filesystem;

/// A folder that is removed at the end.
class scratch {
 public:
  scratch() {
    static int count = 0;
    path = fs::temp_directory_path() /
           ("dnalm_programs_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~scratch() { fs::remove_all(path); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path / name).string(); }
  /// Names of everything in it, hidden files included.
  [[nodiscard]] std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.insert(entry.path().filename().string());
    return names;
  }

  fs::path path;
};

inline std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

struct outcome {
  int code = -1;
  std::string out = {};
  std::string err = {};

  /// `dnalm.usage.702` of the one line `PROGRAM: error [dnalm.usage.702]: ...`, or what is wrong with that
  /// line.
  [[nodiscard]] std::string id() const {
    const std::size_t open = err.find(": error [");
    const std::size_t close = err.find("]: ");
    if (open == std::string::npos || close == std::string::npos) return "no error line: " + err;
    if (err.find('\n') != err.size() - 1) return "more than one line: " + err;
    return err.substr(open + 9, close - open - 9);
  }
};

/// Runs `DNALM_PROGRAM_DIR/<command>` in a shell. `before` may hold shell words such as `ulimit -f 1;`.
inline outcome run(const std::string& command, const std::string& before = "") {
  const scratch dir;
  const std::string line = before + " " DNALM_PROGRAM_DIR "/" + command;
  const std::string shell = "( " + line + " ) >'" + (dir / "out") + "' 2>'" + (dir / "err") + "'";
  const int status = std::system(shell.c_str());
  outcome result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = content(dir / "out");
  result.err = content(dir / "err");
  return result;
}

constexpr const char* small_config = R"({"architectures": ["EsmForMaskedLM"], "auto_map":
  {"AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM"}, "add_bias_fnn": false, "emb_layer_norm_before": false,
  "hidden_size": 16, "initializer_range": 0.02, "intermediate_size": 24, "layer_norm_eps": 1e-12, "mask_token_id": 2,
  "max_position_embeddings": 50, "num_attention_heads": 2, "num_hidden_layers": 2, "pad_token_id": 1,
  "position_embedding_type": "rotary", "tie_word_embeddings": false, "token_dropout": false, "vocab_size": 4107})";

/// Writes every tensor that the configuration in `folder` asks for: norms 1, the rest normal(0, 0.3).
inline void write_weights(const fs::path& folder, std::uint64_t seed, const std::string& left_out = "") {
  const float one = 1;
  dnalm::io::write_safetensors(folder / "model.safetensors", {dnalm::io::make_tensor("x", {&one, 1}, {1})});
  std::vector<std::vector<float>> values;
  const auto missing = dnalm::inspect_model(folder).missing;
  for (const auto& tensor : missing) {
    dnalm::philox random(seed, dnalm::hash_name(tensor.name));
    values.emplace_back(static_cast<std::size_t>(dnalm::checked_size(tensor.shape)), 1.0F);
    const bool norm =
        tensor.name.find("norm") != std::string::npos || tensor.name.find("Norm") != std::string::npos;
    for (float& value : values.back()) value = norm ? 1.0F : static_cast<float>(0.3 * random.normal());
  }
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (missing[i].name == left_out) continue;
    tensors.push_back(dnalm::io::make_tensor(missing[i].name, values[i], missing[i].shape));
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors);
}

/// A Nucleotide Transformer v2 of two layers, 16 wide, with the published tokenizer.
inline std::string make_model(const scratch& dir, const std::string& name, std::uint64_t seed = 1) {
  const fs::path folder = dir.path / name;
  fs::create_directory(folder);
  for (const auto& file : fs::directory_iterator(fs::path(DNALM_GOLDEN_DIR) / "tokenizers" / "nt_v2")) {
    fs::copy_file(file.path(), folder / file.path().filename());
  }
  write(folder / "config.json", small_config);
  write_weights(folder, seed);
  return folder.string();
}

struct table_wish {
  int rows = 120;
  bool split = true;
  bool classes = false;
};

/// Random sequences whose label is their share of G and C beside some noise.
inline std::string make_table(const scratch& dir, const std::string& name, const table_wish& wish = {}) {
  dnalm::philox random(5, dnalm::hash_name("table"));
  std::string text = std::string("name\tsequence\tlabel\tgroup") + (wish.split ? "\tsplit\n" : "\n");
  for (int i = 0; i < wish.rows; ++i) {
    const double gc = 0.25 + 0.5 * random.uniform();
    std::string sequence;
    int count = 0;
    for (int base = 0; base < 60; ++base) {
      const bool strong = random.uniform() < gc;
      count += strong ? 1 : 0;
      sequence.push_back(strong ? "CG"[random.below(2)] : "AT"[random.below(2)]);
    }
    const double label = count / 60.0 + 0.02 * random.normal();
    text += "s" + std::to_string(i) + "\t" + sequence + "\t";
    text += wish.classes ? std::to_string(label > 0.5 ? 1 : 0) : std::to_string(label);
    text += "\tg" + std::to_string(i / 2);
    if (wish.split) text += i / 2 % 5 == 0 ? "\ttest" : i / 2 % 5 == 1 ? "\tvalid" : "\ttrain";
    text += "\n";
  }
  write(dir.path / name, text);
  return dir / name;
}

/// Lines of a TSV without remarks, cut at tabs; the first is the header.
inline std::vector<std::vector<std::string>> read_tsv(const fs::path& file) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(content(file));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] == '#') continue;
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, '\t');) rows.back().push_back(field);
  }
  return rows;
}

}  // namespace workbench
