// SPDX-License-Identifier: Apache-2.0
// Model folders whose config.json or tokenizer is hostile: each with the error that must follow.
#include "hostile_case.hpp"

#include <dnalm/models/load_model.hpp>

using namespace dnalm_test;

namespace {

/// An NT-v2 of 75 tokens with its tokenizer and weights, made once.
void copy_model(const fs::path& folder) {
  static const std::map<std::string, std::string> files = [] {
    const temporary_folder made("hostile_base");
    write_nt_v2_folder(made.path());
    write_tensors(made.path() / "model.safetensors", random_tensors(made.path()));
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(made.path())) {
      all[entry.path().filename().string()] = content(entry.path());
    }
    return all;
  }();
  for (const auto& [name, text] : files) write_text(folder / name, text);
}

void load(const fs::path& folder) {
  (void)dnalm::load_model(folder);
}

/// Changes one key of a JSON file.
auto set(const std::string& key, nlohmann::json value, const std::string& file = "config.json") {
  return [=](const fs::path& folder) {
    auto document = nlohmann::json::parse(content(folder / file));
    document[key] = value;
    write_text(folder / file, document.dump());
  };
}

auto without(const std::string& key) {
  return [=](const fs::path& folder) {
    auto document = nlohmann::json::parse(content(folder / "config.json"));
    document.erase(key);
    write_text(folder / "config.json", document.dump());
  };
}

/// Replaces a whole file.
auto text(const std::string& file, const std::string& content) {
  return [=](const fs::path& folder) { write_text(folder / file, content); };
}

/// Replaces a piece of a file.
auto change(const std::string& file, const std::string& from, const std::string& to) {
  return
      [=](const fs::path& folder) { write_text(folder / file, replaced(content(folder / file), from, to)); };
}

auto as_folder(const std::string& file) {
  return [=](const fs::path& folder) {
    fs::remove(folder / file);
    fs::create_directory(folder / file);
  };
}

auto as_link(const std::string& file, const std::string& target) {
  return [=](const fs::path& folder) {
    fs::remove(folder / file);
    fs::create_symlink(target, folder / file);
  };
}

/// A file of that size without content on the disk.
auto as_hole(const std::string& file, std::uintmax_t bytes) {
  return [=](const fs::path& folder) { fs::resize_file(folder / file, bytes); };
}

std::string nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

}  // namespace

TEST_CASE("hostile folders and configurations are refused with their error", "[hostile]") {
  const std::vector<hostile_case> rows = {
      {"right", "nothing", "", [](const fs::path&) {}},
      {"no_folder", "the folder is missing", "dnalm.io.419", [](const fs::path& f) { fs::remove_all(f); }},
      {"file_as_folder", "a file instead of the folder", "dnalm.io.419",
       [](const fs::path& f) {
         fs::remove_all(f);
         write_text(f, "{}");
       }},
      {"folder_loop", "the folder is a link to itself", "dnalm.io.419",
       [](const fs::path& f) {
         fs::remove_all(f);
         fs::create_symlink(f, f);
       }},
      {"no_config", "config.json is missing", "dnalm.config.430",
       [](const fs::path& f) { fs::remove(f / "config.json"); }},
      {"config_folder", "config.json is a folder", "dnalm.io.221", as_folder("config.json")},
      {"config_loop", "config.json is a link to itself", "dnalm.io.220",
       as_link("config.json", "config.json")},
      {"config_device", "config.json is a link to a device", "dnalm.io.221",
       as_link("config.json", "/dev/zero")},
      {"config_empty", "config.json is empty", "dnalm.format.226", text("config.json", "")},
      {"config_cut", "config.json ends in the middle", "dnalm.format.226",
       [](const fs::path& f) { fs::resize_file(f / "config.json", 200); }},
      {"config_twice", "a second document behind the first", "dnalm.format.226",
       change("config.json", "75}", "75} {}")},
      {"config_utf8", "a text that is not UTF-8", "dnalm.format.226",
       change("config.json", "rotary", "rot\xFF")},
      {"config_utf16", "UTF-16 instead of UTF-8", "dnalm.format.226",
       text("config.json", std::string("\xFF\xFE{\0}\0", 6))},
      {"config_nul", "a NUL in the middle", "dnalm.format.226",
       change("config.json", "\"vocab_size\"", std::string("\0\"vocab_size\"", 13))},
      {"config_deep", "arrays nested 100,000 deep", "dnalm.format.227", text("config.json", nested(100'000))},
      {"config_deep_key", "a key with arrays nested 70 deep", "dnalm.format.227",
       change("config.json", "75}", "75, \"x\": " + nested(70) + "}")},
      {"config_large", "17 MB of blanks", "dnalm.format.229", as_hole("config.json", 17u << 20)},
      {"config_huge", "a hole of a terabyte", "dnalm.format.229",
       as_hole("config.json", std::uintmax_t{1} << 40)},
      {"config_list", "an array instead of an object", "dnalm.config.402", text("config.json", "[1, 2]")},
      {"config_nan", "NaN, which JSON has not", "dnalm.format.226", change("config.json", "1e-12", "NaN")},
      {"config_blank", "no key at all", "dnalm.unsupported.400", text("config.json", "{}")},
      {"other_architecture", "an architecture that is not built in", "dnalm.unsupported.400",
       text("config.json", R"({"model_type": "llama"})")},
      {"two_architectures", "keys of two architectures", "dnalm.unsupported.400",
       set("alibi_starting_size", 512)},
      {"type_number", "model_type is a number", "dnalm.config.402", set("model_type", 7)},
      {"no_width", "hidden_size is missing", "dnalm.config.401", without("hidden_size")},
      {"null_width", "hidden_size is null", "dnalm.config.401", set("hidden_size", nullptr)},
      {"width_text", "hidden_size is a text", "dnalm.config.402", set("hidden_size", "48")},
      {"width_list", "hidden_size is an array", "dnalm.config.402", set("hidden_size", {48})},
      {"width_negative", "hidden_size is negative", "dnalm.config.402", set("hidden_size", -48)},
      {"width_zero", "hidden_size is 0", "dnalm.config.402", set("hidden_size", 0)},
      {"width_fraction", "hidden_size is 48.5", "dnalm.config.402", set("hidden_size", 48.5)},
      {"width_2_63", "hidden_size is 2^63", "dnalm.config.402", set("hidden_size", std::uint64_t{1} << 63)},
      {"width_2_64", "hidden_size is 2^64", "dnalm.config.402",
       change("config.json", "\"hidden_size\": 48", "\"hidden_size\": 18446744073709551616")},
      {"width_1e400", "hidden_size is 1e400", "dnalm.format.226",
       change("config.json", "\"hidden_size\": 48", "\"hidden_size\": 1e400")},
      {"no_heads", "num_attention_heads is 0", "dnalm.config.402", set("num_attention_heads", 0)},
      {"heads_5", "5 heads do not divide 48 channels", "dnalm.config.403", set("num_attention_heads", 5)},
      {"heads_16", "rotated heads of 3 channels", "dnalm.config.403", set("num_attention_heads", 16)},
      {"layers_2_31", "2^31 layers", "dnalm.config.402", set("num_hidden_layers", std::int64_t{1} << 31)},
      {"layers_4096", "4096 layers, the file has 2", "dnalm.config.410", set("num_hidden_layers", 4096)},
      {"layers_1", "1 layer, the file has 2", "dnalm.config.411", set("num_hidden_layers", 1)},
      {"inner_2_24", "a feed-forward block of 2^24 channels", "dnalm.shape.412",
       set("intermediate_size", 1 << 24)},
      {"eps_negative", "layer_norm_eps is negative", "dnalm.config.402", set("layer_norm_eps", -1e-5)},
      {"eps_text", "layer_norm_eps is a text", "dnalm.config.402", set("layer_norm_eps", "1e-5")},
      {"pad_outside", "the pad token has no row", "dnalm.config.402", set("pad_token_id", 75)},
      {"pad_negative", "the pad token is -1", "dnalm.config.402", set("pad_token_id", -1)},
      {"flag_number", "token_dropout is 1", "dnalm.config.402", set("token_dropout", 1)},
      {"positions_other", "an unknown kind of positions", "dnalm.unsupported.404",
       set("position_embedding_type", "spiral")},
      {"activation_other", "another activation", "dnalm.unsupported.404", set("hidden_act", "relu")},
      {"decoder", "a decoder", "dnalm.unsupported.404", set("is_decoder", true)},
      {"width_twice", "hidden_size twice, the last one counts and is wrong", "dnalm.shape.412",
       change("config.json", "\"intermediate_size\"", "\"hidden_size\": 64, \"intermediate_size\"")},
      {"vocabulary_small", "fewer rows than the tokenizer has tokens", "dnalm.config.414",
       set("vocab_size", 70)},
      {"vocabulary_large", "more rows than the tokenizer has tokens", "dnalm.config.414",
       set("vocab_size", 80)},
  };
  check_table(rows);
  for (const auto& row : rows) check_case(row, copy_model, load);
}

TEST_CASE("hostile tokenizer files are refused with their error", "[hostile]") {
  const std::string json =
      R"({"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "unk_token": "[UNK]",
      "vocab": {"[UNK]": 0, "A": 1, "C": 2, "AC": 3}, "merges": ["A C"]}})";
  const auto tokenizer = [](const std::string& text) {
    return [text](const fs::path& f) {
      fs::remove(f / "vocab.txt");
      fs::remove(f / "special_tokens_map.json");
      write_text(f / "tokenizer_config.json", "{}");
      write_text(f / "tokenizer.json", text);
    };
  };
  const std::vector<hostile_case> rows = {
      {"vocab_empty", "vocab.txt is empty", "dnalm.config.310", text("vocab.txt", "")},
      {"vocab_blank_line", "an empty line", "dnalm.config.310", change("vocab.txt", "AAA\n", "AAA\n\n")},
      {"vocab_twice", "a token stands twice", "dnalm.config.310", change("vocab.txt", "AAT\n", "AAA\n")},
      {"vocab_control", "a token with a control character", "dnalm.config.310",
       change("vocab.txt", "AAT\n", "A\x01T\n")},
      {"vocab_incomplete", "a 3-mer is missing", "dnalm.config.311", change("vocab.txt", "AAT\n", "")},
      {"vocab_no_unk", "the unknown token is missing", "dnalm.config.312",
       change("vocab.txt", "<unk>", "<unx>")},
      {"vocab_folder", "vocab.txt is a folder", "dnalm.io.170", as_folder("vocab.txt")},
      {"vocab_huge", "vocab.txt is a hole of 65 MiB", "dnalm.io.314", as_hole("vocab.txt", 65u << 20)},
      {"class_unknown", "a tokenizer class that is not built in", "dnalm.unsupported.302",
       set("tokenizer_class", "LlamaTokenizer", "tokenizer_config.json")},
      {"class_number", "the class is a number", "dnalm.config.303",
       set("tokenizer_class", 5, "tokenizer_config.json")},
      {"length_text", "model_max_length is a text", "dnalm.config.303",
       set("model_max_length", "512", "tokenizer_config.json")},
      {"tokenizer_config_cut", "tokenizer_config.json ends in the middle", "dnalm.format.226",
       text("tokenizer_config.json", "{\"tokenizer_class\": ")},
      {"specials_list", "special_tokens_map.json is an array", "dnalm.config.303",
       text("special_tokens_map.json", "[]")},
      {"json_cut", "tokenizer.json ends in the middle", "dnalm.format.226", tokenizer(json.substr(0, 100))},
      {"json_deep", "tokenizer.json is nested too deeply", "dnalm.format.227", tokenizer(nested(50'000))},
      {"json_no_model", "there is no model", "dnalm.config.321", tokenizer("{\"version\": \"1.0\"}")},
      {"json_gap", "numbers with a gap", "dnalm.config.321",
       tokenizer(replaced(json, "\"AC\": 3", "\"AC\": 7"))},
      {"json_id_2_60", "a number of 2^60", "dnalm.config.321",
       tokenizer(replaced(json, "\"AC\": 3", "\"AC\": 1152921504606846976"))},
      {"json_id_negative", "a negative number", "dnalm.config.321",
       tokenizer(replaced(json, "\"AC\": 3", "\"AC\": -3"))},
      {"json_merge_unknown", "a merge of a token that is not there", "dnalm.config.321",
       tokenizer(replaced(json, "A C", "A G"))},
      {"json_merge_twice", "a merge stands twice", "dnalm.config.321",
       tokenizer(replaced(json, "[\"A C\"]", "[\"A C\", \"A C\"]"))},
      {"json_component", "a normalizer that is not built in", "dnalm.unsupported.320",
       tokenizer(replaced(json, "\"model\"", "\"normalizer\": {\"type\": \"Precompiled\"}, \"model\""))},
      {"json_other_model", "a Unigram model", "dnalm.unsupported.320",
       tokenizer(replaced(json, "BPE", "Unigram"))},
      {"json_other_size", "a right tokenizer.json of 4 tokens for 75 rows", "dnalm.config.414",
       tokenizer(json)},
  };
  check_table(rows);
  for (const auto& row : rows) check_case(row, copy_model, load);
}
