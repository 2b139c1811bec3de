// SPDX-License-Identifier: Apache-2.0
// Model folders whose safetensors files, shards or index are hostile: each with the error that must follow.
#include "hostile_case.hpp"

#include <cmath>
#include <limits>

#include <dnalm/models/load_model.hpp>

using namespace dnalm_test;

namespace {

/// DNABERT-2 without tokenizer: 16 tokens, 8 channels, 2 heads, 1 block; its decoder is tied to the
/// embedding.
void write_tied_folder(const fs::path& folder) {
  write_text(folder / "config.json",
             R"({"architectures": ["BertForMaskedLM"], "alibi_starting_size": 64, "hidden_act": "gelu",
 "hidden_size": 8, "intermediate_size": 12, "layer_norm_eps": 1e-12, "max_position_embeddings": 64, "model_type": "bert",
 "num_attention_heads": 2, "num_hidden_layers": 1, "type_vocab_size": 2, "vocab_size": 16,
 "auto_map": {"AutoModelForMaskedLM": "bert_layers.BertForMaskedLM"}})");
}

/// The small NT-v2 without its tokenizer, and its tensors; made once.
struct base_model {
  std::string config;
  std::string weights;
  std::vector<kept_tensor> tensors;
};

const base_model& base() {
  static const base_model made = [] {
    const temporary_folder folder("hostile_weights_base");
    write_nt_v2_folder(folder.path());
    base_model model{content(folder.path() / "config.json"), "", random_tensors(folder.path())};
    write_tensors(folder.path() / "model.safetensors", model.tensors);
    model.weights = content(folder.path() / "model.safetensors");
    return model;
  }();
  return made;
}

void copy_model(const fs::path& folder) {
  write_text(folder / "config.json", base().config);
  write_text(folder / "model.safetensors", base().weights);
}

void load(const fs::path& folder) {
  (void)dnalm::load_model(folder);
}

const std::string file = "model.safetensors";

auto cut(std::size_t bytes) {
  return [=](const fs::path& f) { fs::resize_file(f / file, bytes); };
}
auto cut_end(std::size_t bytes) {
  return [=](const fs::path& f) { fs::resize_file(f / file, base().weights.size() - bytes); };
}
std::size_t data_begin() {
  const split_safetensors parts = [] {
    const temporary_folder folder("hostile_split");
    write_text(folder.path() / file, base().weights);
    return split_safetensors(folder.path() / file);
  }();
  return base().weights.size() - parts.data.size();
}
/// The first eight bytes say another length of the header.
auto length(std::uint64_t value) {
  return [=](const fs::path& f) { write_text(f / file, little(value, 8) + base().weights.substr(8)); };
}
auto whole(const std::string& text) {
  return [=](const fs::path& f) { write_text(f / file, text); };
}
/// Header and data of a file of a single tensor.
auto single(const std::string& header, const std::string& data = std::string(24, '\0')) {
  return whole(split_safetensors::join(header, data));
}
/// Changes the header, leaves the data.
auto header(std::function<void(nlohmann::json&)> change) {
  return [change = std::move(change)](const fs::path& f) {
    split_safetensors parts(f / file);
    change(parts.header);
    parts.write(f / file);
  };
}
/// Changes the tensors and writes the file anew.
auto tensors(std::function<void(std::vector<kept_tensor>&)> change) {
  return [change = std::move(change)](const fs::path& f) {
    auto list = base().tensors;
    change(list);
    write_tensors(f / file, list);
  };
}
auto number(float value) {
  return tensors([=](std::vector<kept_tensor>& list) { list[1].numbers[3] = value; });
}

/// Two shards, `a` and `b`, and an index whose text may be changed.
struct shards {
  std::function<void(nlohmann::json&)> change = [](nlohmann::json&) {};
  bool twice = false;

  void operator()(const fs::path& f) const {
    const auto& all = base().tensors;
    const auto half = static_cast<std::ptrdiff_t>(all.size() / 2);
    fs::remove(f / file);
    write_tensors(f / "a.safetensors", {all.begin(), all.begin() + half + (twice ? 1 : 0)});
    write_tensors(f / "b.safetensors", {all.begin() + half, all.end()});
    nlohmann::json index = {{"metadata", {{"total_size", 1}}}};
    for (std::size_t i = 0; i < all.size(); ++i) {
      index["weight_map"][all[i].name] =
          static_cast<std::ptrdiff_t>(i) < half ? "a.safetensors" : "b.safetensors";
    }
    change(index);
    write_text(f / (file + ".index.json"), index.dump());
  }
};

auto shard_of_first(const nlohmann::json& value) {
  return shards{[=](nlohmann::json& index) { index["weight_map"].begin().value() = value; }};
}

}  // namespace

TEST_CASE("hostile safetensors files are refused with their error", "[hostile]") {
  const std::vector<hostile_case> rows = {
      {"right", "nothing", "", [](const fs::path&) {}},
      {"no_weights", "there is no file of weights", "dnalm.io.280",
       [](const fs::path& f) { fs::remove(f / file); }},
      {"weights_folder", "model.safetensors is a folder", "dnalm.io.221",
       [](const fs::path& f) {
         fs::remove(f / file);
         fs::create_directory(f / file);
       }},
      {"weights_dangling", "model.safetensors is a link to nothing", "dnalm.io.280",
       [](const fs::path& f) {
         fs::remove(f / file);
         fs::create_symlink("nothing", f / file);
       }},
      {"weights_loop", "model.safetensors is a link to itself", "dnalm.io.280",
       [](const fs::path& f) {
         fs::remove(f / file);
         fs::create_symlink(file, f / file);
       }},
      {"weights_device", "model.safetensors is a link to a device", "dnalm.io.221",
       [](const fs::path& f) {
         fs::remove(f / file);
         fs::create_symlink("/dev/zero", f / file);
       }},
      {"two_files", "two files of weights without a usual name", "dnalm.usage.290",
       [](const fs::path& f) {
         fs::rename(f / file, f / "a.safetensors");
         fs::copy_file(f / "a.safetensors", f / "b.safetensors");
       }},
      {"empty", "an empty file", "dnalm.format.289", cut(0)},
      {"cut_7", "cut inside the length of the header", "dnalm.format.255", cut(7)},
      {"cut_8", "cut behind the length of the header", "dnalm.format.255", cut(8)},
      {"cut_header", "cut inside the header", "dnalm.format.255", cut(100)},
      {"cut_before_data", "cut where the data begin", "dnalm.format.258", cut(data_begin())},
      {"cut_data", "cut inside the data", "dnalm.format.258", cut(data_begin() + 1000)},
      {"cut_last", "the last byte is missing", "dnalm.format.258", cut_end(1)},
      {"trailing", "a byte behind the data", "dnalm.format.258", whole(base().weights + "x")},
      {"length_0", "a header of 0 bytes", "dnalm.format.226", length(0)},
      {"length_1", "a header of 1 byte", "dnalm.format.226", length(1)},
      {"length_file", "a header as long as the file", "dnalm.format.255", length(base().weights.size())},
      {"length_2_63", "a header of 2^63 bytes", "dnalm.format.255", length(std::uint64_t{1} << 63)},
      {"length_2_64", "a header of 2^64 - 1 bytes", "dnalm.format.255", length(~std::uint64_t{0})},
      {"length_200_mb", "a header of 200 MB, all zeros", "dnalm.format.261",
       [](const fs::path& f) {
         write_text(f / file, little(200'000'000, 8) + "{");
         fs::resize_file(f / file, 200'000'008);
       }},
      {"not_json", "a header that is no JSON", "dnalm.format.226", single("{\"x\": }")},
      {"not_utf8", "a name that is not UTF-8", "dnalm.format.226",
       single("{\"\xC0\xAF\": {\"dtype\": \"F32\", \"shape\": [6], \"data_offsets\": [0, 24]}}")},
      {"deep", "a header nested too deeply", "dnalm.format.227",
       single("{\"x\": " + std::string(500, '[') + std::string(500, ']') + "}")},
      {"name_twice", "a tensor stands twice", "dnalm.format.228",
       single(
           R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "x": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}})")},
      {"header_list", "a header that is an array", "dnalm.format.256", single("[]", "")},
      {"no_dtype", "a tensor without dtype", "dnalm.format.256",
       single(R"({"x": {"shape": [6], "data_offsets": [0, 24]}})")},
      {"no_shape", "a tensor without shape", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "data_offsets": [0, 24]}})")},
      {"no_offsets", "a tensor without offsets", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [6]}})")},
      {"one_offset", "a tensor with one offset", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": [24]}})")},
      {"offset_text", "an offset that is a text", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": ["0", 24]}})")},
      {"offset_negative", "a negative offset", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": [-24, 0]}})")},
      {"shape_negative", "a negative extent", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [-6], "data_offsets": [0, 24]}})")},
      {"shape_fraction", "an extent of 6.0", "dnalm.format.256",
       single(R"({"x": {"dtype": "F32", "shape": [6.0], "data_offsets": [0, 24]}})")},
      {"metadata_number", "metadata that are no texts", "dnalm.format.256",
       single(R"({"__metadata__": {"a": 1}, "x": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}})")},
      {"dtype_unknown", "an unknown element type", "dnalm.unsupported.257",
       single(R"({"x": {"dtype": "F31", "shape": [6], "data_offsets": [0, 24]}})")},
      {"dtype_f8", "weights in 8-bit floats", "dnalm.unsupported.120",
       [](const fs::path& f) {
         split_safetensors parts(f / file);
         for (auto& [name, tensor] : parts.header.items()) {
           if (name == "__metadata__") continue;
           tensor["dtype"] = "F8_E4M3";
           for (auto& offset : tensor["data_offsets"]) offset = offset.get<int>() / 4;
         }
         parts.data.resize(parts.data.size() / 4);
         parts.write(f / file);
       }},
      {"dtype_f64", "an element type of twice the bytes", "dnalm.format.259",
       header([](nlohmann::json& h) { h["esm.embeddings.word_embeddings.weight"]["dtype"] = "F64"; })},
      {"overlap", "two tensors share bytes", "dnalm.format.258",
       single(
           R"({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "y": {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]}})")},
      {"same_bytes", "two tensors are the same bytes", "dnalm.format.258",
       single(
           R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "y": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}})")},
      {"hole", "bytes between two tensors", "dnalm.format.258",
       single(
           R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "y": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}})")},
      {"hole_at_start", "bytes before the first tensor", "dnalm.format.258",
       single(R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}})")},
      {"reversed", "offsets the wrong way round", "dnalm.format.258",
       single(R"({"x": {"dtype": "F32", "shape": [6], "data_offsets": [24, 0]}})")},
      {"outside", "offsets behind the file", "dnalm.format.258",
       single(R"({"x": {"dtype": "F32", "shape": [7], "data_offsets": [0, 28]}})")},
      {"offsets_2_63", "an offset of 2^63 - 1", "dnalm.format.258",
       single(
           R"({"x": {"dtype": "U8", "shape": [9223372036854775807], "data_offsets": [0, 9223372036854775807]}})")},
      {"shape_small", "a shape of fewer elements", "dnalm.format.259",
       single(R"({"x": {"dtype": "F32", "shape": [5], "data_offsets": [0, 24]}})")},
      {"shape_overflow", "a shape whose product is 2^64", "dnalm.format.259",
       single(R"({"x": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 24]}})")},
      {"shape_bytes_overflow", "a shape whose bytes are 2^64", "dnalm.format.259",
       single(R"({"x": {"dtype": "F32", "shape": [2147483648, 2147483648], "data_offsets": [0, 24]}})")},
      {"shape_zero_overflow", "a shape with 0 whose product overflows before", "dnalm.format.259",
       single(R"({"x": {"dtype": "F32", "shape": [4294967296, 4294967296, 0], "data_offsets": [0, 24]}})")},
      {"many_axes", "a shape of 100,000 axes", "dnalm.format.259",
       [](const fs::path& f) {
         std::string axes = "2";
         for (int i = 1; i < 100'000; ++i) axes += ",2";
         single(R"({"x": {"dtype": "F32", "shape": [)" + axes + R"(], "data_offsets": [0, 24]}})")(f);
       }},
      {"long_name", "a tensor too many with a name of a megabyte", "dnalm.config.411",
       tensors([](auto& list) {
         list.push_back({std::string(1u << 20, 'n'), {1}, {1.0F}});
       })},
      {"long_names", "a thousand tensors too many", "dnalm.config.411", tensors([](auto& list) {
         for (int i = 0; i < 1000; ++i) list.push_back({"evil" + std::to_string(i), {1}, {1.0F}});
       })},
      {"lfs_pointer", "a Git LFS pointer", "dnalm.format.289",
       whole("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")},
      {"html", "a page of a web server", "dnalm.format.289", whole("<!DOCTYPE html><html></html>")},
      {"gzip", "a gzip file", "dnalm.format.289",
       whole(std::string("\x1f\x8b\x08\0\0\0\0\0", 8) + base().weights)},
      {"json_as_weights", "a JSON file", "dnalm.format.289", whole("{\"weights\": 1}")},
      {"tensor_missing", "a tensor is missing", "dnalm.config.410",
       tensors([](auto& list) { list.pop_back(); })},
      {"tensor_surplus", "a tensor too many", "dnalm.config.411", tensors([](auto& list) {
         list.push_back({"esm.encoder.evil", {1}, {1.0F}});
       })},
      {"layer_surplus", "a tensor of a third layer", "dnalm.config.411", tensors([](auto& list) {
         list.push_back({"esm.encoder.layer.2.LayerNorm.bias", {48}, std::vector<float>(48)});
       })},
      {"tensor_transposed", "a matrix of the wrong shape, as many elements", "dnalm.shape.412",
       tensors([](auto& list) { std::swap(list[0].shape[0], list[0].shape[1]); })},
      {"tensor_flat", "a matrix as a vector", "dnalm.shape.412",
       tensors([](auto& list) { list[0].shape = {75 * 48}; })},
      {"nan", "a weight is NaN", "dnalm.numeric.415", number(std::numeric_limits<float>::quiet_NaN())},
      {"infinity", "a weight is infinite", "dnalm.numeric.415",
       number(std::numeric_limits<float>::infinity())},
      {"minus_infinity", "a weight is minus infinity", "dnalm.numeric.415",
       number(-std::numeric_limits<float>::infinity())},
      {"index_right", "nothing: two shards", "", shards{}},
      {"index_cut", "the index ends in the middle", "dnalm.format.226",
       [](const fs::path& f) {
         shards{}(f);
         fs::resize_file(f / (file + ".index.json"), 300);
       }},
      {"index_no_map", "the index has no weight_map", "dnalm.format.281",
       shards{[](auto& index) { index.erase("weight_map"); }}},
      {"index_empty_map", "weight_map is empty", "dnalm.format.281",
       shards{[](auto& index) { index["weight_map"] = nlohmann::json::object(); }}},
      {"index_list", "weight_map is an array", "dnalm.format.281",
       shards{[](auto& index) { index["weight_map"] = nlohmann::json::array(); }}},
      {"index_number", "a shard is a number", "dnalm.format.281", shard_of_first(5)},
      {"index_missing", "a shard that is not there", "dnalm.format.283", shard_of_first("c.safetensors")},
      {"index_absolute", "a shard with an absolute path", "dnalm.format.282", shard_of_first("/etc/passwd")},
      {"index_parent", "a shard outside the folder", "dnalm.format.282", shard_of_first("../a.safetensors")},
      {"index_dots", "a shard named ..", "dnalm.format.282", shard_of_first("..")},
      {"index_empty_name", "a shard without a name", "dnalm.format.282", shard_of_first("")},
      {"index_nul", "a name with a NUL", "dnalm.format.282",
       shard_of_first(std::string("a.safetensors\0", 14))},
      {"index_backslash", "a name with a backslash", "dnalm.format.282", shard_of_first("..\\a.safetensors")},
      {"index_itself", "the index is its own shard", "dnalm.format.289",
       shard_of_first(file + ".index.json")},
      {"index_config", "a shard that is config.json", "dnalm.format.289", shard_of_first("config.json")},
      {"index_wrong_shard", "a tensor stands in the other shard", "dnalm.format.284",
       shard_of_first("b.safetensors")},
      {"index_no_tensor", "a tensor that no shard holds", "dnalm.format.284",
       shards{[](auto& index) { index["weight_map"]["more"] = "a.safetensors"; }}},
      {"index_two_shards", "a tensor stands in both shards", "dnalm.format.285", shards{[](auto&) {}, true}},
      {"index_shard_folder", "a shard is a folder", "dnalm.io.221",
       [](const fs::path& f) {
         shard_of_first("sub")(f);
         fs::create_directory(f / "sub");
       }},
  };
  check_table(rows);
  for (const auto& row : rows) check_case(row, copy_model, load);
}

TEST_CASE("tied tensors that differ are refused", "[hostile]") {
  const auto changed = [](const std::string& name) {
    return [name](const fs::path& f) {
      write_tied_folder(f);
      auto list = random_tensors(f);
      for (auto& tensor : list) {
        if (tensor.name == name) tensor.numbers[1] += 1;
      }
      write_tensors(f / file, list);
    };
  };
  const auto with_decoder = [](float shift) {
    return [shift](const fs::path& f) {
      write_tied_folder(f);
      auto list = random_tensors(f);
      for (const auto& tensor : list) {
        if (tensor.name != "bert.embeddings.word_embeddings.weight") continue;
        auto copy = tensor;
        copy.name = "cls.predictions.decoder.weight";
        copy.numbers[1] += shift;
        list.push_back(copy);
        break;
      }
      write_tensors(f / file, list);
    };
  };
  const std::vector<hostile_case> rows = {
      {"tied_absent", "nothing: the decoder is not stored", "", changed("no tensor")},
      {"tied_right", "nothing: the decoder is stored and equal", "", with_decoder(0)},
      {"tied_differs", "the decoder differs from the embedding", "dnalm.config.413", with_decoder(1)},
      {"tied_nan", "the decoder is NaN where the embedding is not", "dnalm.config.413", with_decoder(NAN)},
  };
  check_table(rows);
  for (const auto& row : rows)
    check_case(
        row, [](const fs::path&) {}, load);
}
