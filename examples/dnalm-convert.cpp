// SPDX-License-Identifier: Apache-2.0
// dnalm-convert: weights of other formats to safetensors, with a report of what is in them.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/progress.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/keras_checkpoint.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/io/tensor_bytes.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <support/options.hpp>
#include <support/output_paths.hpp>
#include <support/plain_text.hpp>
#include <support/program.hpp>

namespace {

using dnalm::dtype;
using dnalm::error;
using dnalm::error_kind;
using dnalm::index_t;
using dnalm::io::json;
using dnalm::io::stored_tensor;
using dnalm::io::tensor_info;

constexpr const char* examples = R"(Examples:
  dnalm-convert pytorch_model.bin model.safetensors
      a PyTorch file (.bin, .pt, .pth); nothing in its pickle is executed
  dnalm-convert lightning.ckpt model.safetensors --strip-prefix model.
      the state dictionary of a Lightning checkpoint; model.encoder.weight becomes encoder.weight
  dnalm-convert nt-2.5b/ model.safetensors --dtype bf16
      a model folder, shards joined, floats rounded to bf16
  dnalm-convert spliceai1.h5 spliceai1.safetensors
      Keras weights; model_config goes into the metadata (needs a build with HDF5)
  dnalm-convert weights.npz weights.safetensors
      arrays of numbers of an npz archive
  dnalm-convert weights.pt
      only the report: every tensor is read and its checksum verified, nothing is written
  dnalm-convert weights.pt --json | jq '.tensors[].name'
Names, shapes and values stay as they are: no transposition between frameworks, no renaming but --strip-prefix.
Tensors that share memory (tied weights) are each written, and reported.)";

struct settings {
  std::string input;
  std::string output;
  std::string type = "keep";
  std::string prefix;
  bool as_json = false;
  bool no_mmap = false;
  program::common_options common;
};

/// The weights, whatever holds them.
struct weights {
  std::string format = {};
  std::vector<std::filesystem::path> files = {};
  std::vector<std::string> left_out = {};
  std::map<std::string, std::string> metadata = {};
  std::vector<tensor_info> tensors = {};
  std::function<const stored_tensor&(const std::string&)> read = {};
  std::function<void(const std::string&)> forget = {};
  std::function<bool(const std::string&)> packed = {};
};

weights open_checkpoint(const settings& s, dnalm::io::file_access access) {
  auto file = std::make_shared<const dnalm::io::checkpoint>(dnalm::io::checkpoint::open(s.input, access));
  weights w{.files = file->files(), .left_out = file->left_out(), .tensors = file->tensors()};
  std::set<std::string> formats;
  for (const auto& tensor : w.tensors) formats.insert(std::string(to_string(file->format_of(tensor.name))));
  for (const auto& format : formats) w.format += (w.format.empty() ? "" : ", ") + format;
  w.metadata["format"] = w.format == "npz" ? "np" : "pt";  // transformers asks for it
  w.read = [file](const std::string& name) -> const stored_tensor& { return file->stored(name); };
  w.forget = [file](const std::string& name) { file->forget(name); };
  w.packed = [file](const std::string& name) { return file->packed(name); };
  return w;
}

#if defined(DNALM_WITH_HDF5)
weights open_keras(const settings& s, dnalm::io::file_access access) {
  auto file = std::make_shared<const dnalm::io::keras_checkpoint>(s.input, access);
  weights w{.format = "Keras HDF5", .files = {s.input}, .tensors = file->tensors()};
  w.metadata["format"] = "keras";
  const auto& said = file->description();
  for (const auto& [key, text] : {std::pair{"model_config", &said.model_config},
                                  {"keras_version", &said.keras_version},
                                  {"backend", &said.backend}}) {
    if (!text->empty() && dnalm::is_utf8(*text)) w.metadata[key] = *text;
  }
  w.read = [file](const std::string& name) -> const stored_tensor& { return file->tensor(name); };
  w.forget = [file](const std::string& name) { file->forget(name); };
  w.packed = [file](const std::string& name) { return file->packed(name); };
  return w;
}
#else
weights open_keras(const settings& s, dnalm::io::file_access) {
  throw error(
      error_kind::unsupported, 712, "this build reads no HDF5 (Keras) files",
      {.where = s.input,
       .expected = "a build with the HDF5 library (Debian: apt-get install libhdf5-dev, then build again)"});
}
#endif

weights open_weights(const settings& s) {
  const auto access = s.no_mmap ? dnalm::io::file_access::buffered : dnalm::io::file_access::mapped;
  return dnalm::io::is_hdf5(s.input) ? open_keras(s, access) : open_checkpoint(s, access);
}

std::optional<dtype> wanted_type(const std::string& name) {
  if (name == "f32") return dtype::f32;
  if (name == "f16") return dtype::f16;
  if (name == "bf16") return dtype::bf16;
  return std::nullopt;
}

/// What becomes of one tensor, and what was seen of it.
struct line {
  tensor_info from = {};
  tensor_info to = {};
  std::string layout = {};
};

std::string without_prefix(const std::string& name, const std::string& prefix) {
  return !prefix.empty() && name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name;
}

/// Names and types of the output. \throws error [dnalm.usage.711], [dnalm.format.713].
std::vector<line> plan(const weights& w, const settings& s) {
  const auto type = wanted_type(s.type);
  std::vector<line> lines;
  std::set<std::string> taken;
  for (const tensor_info& from : w.tensors) {
    tensor_info to = from;
    to.name = without_prefix(from.name, s.prefix);
    if (type && dnalm::io::is_convertible_float(from.type)) to.type = *type;
    if (!dnalm::is_utf8(to.name) || to.name == "__metadata__") {
      throw error(error_kind::format, 713, "a tensor's name cannot stand in a safetensors file",
                  {.where = s.input, .expected = "UTF-8 and not __metadata__", .found = "'" + to.name + "'"});
    }
    if (!taken.insert(to.name).second) {
      throw error(error_kind::usage, 711, "--strip-prefix gives two tensors one name",
                  {.where = s.input, .expected = "another prefix, or none", .found = "'" + to.name + "'"});
    }
    lines.push_back({from, to});
  }
  return lines;
}

/// How the elements lie in the file; axes of extent 1 do not count.
std::string layout_of(const stored_tensor& tensor, bool packed) {
  if (packed) return "packed";
  if (tensor.contiguous()) return "row-major";
  stored_tensor turned = tensor;
  std::reverse(turned.info.shape.begin(), turned.info.shape.end());
  std::reverse(turned.strides.begin(), turned.strides.end());
  return turned.contiguous() ? "column-major" : "strided";
}

/// Names of tensors that are the same elements of one file, grouped.
class tied_tensors {
 public:
  void see(const stored_tensor& tensor, bool packed, const std::string& name) {
    if (packed || tensor.bytes.empty()) return;
    groups_[{tensor.bytes.data(), tensor.info.type, tensor.info.shape, tensor.strides}].push_back(name);
  }
  [[nodiscard]] std::vector<std::vector<std::string>> groups() const {
    std::vector<std::vector<std::string>> tied;
    for (const auto& [where, names] : groups_) {
      if (names.size() > 1) tied.push_back(names);
    }
    std::sort(tied.begin(), tied.end());
    return tied;
  }

 private:
  using place = std::tuple<const std::byte*, dtype, std::vector<index_t>, std::vector<index_t>>;
  std::map<place, std::vector<std::string>> groups_;
};

/// Reads every tensor once, in the order of the output, and writes it where there is an output.
void convert(const weights& w, std::vector<line>& lines, tied_tensors& tied, const settings& s) {
  std::vector<tensor_info> outputs;
  for (const line& l : lines) outputs.push_back(l.to);
  std::optional<dnalm::io::safetensors_writer> file;
  if (!s.output.empty()) {
    dnalm::io::remove_leftovers(s.output);
    file.emplace(s.output, outputs, w.metadata);
  }
  dnalm::progress shown("tensors", static_cast<index_t>(lines.size()), s.common.display());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    program::stop_if_interrupted();
    line& l = lines[file ? file->order()[i] : i];
    const bool packed = w.packed(l.from.name);
    const stored_tensor& tensor = w.read(l.from.name);
    l.layout = layout_of(tensor, packed);
    tied.see(tensor, packed, l.to.name);
    if (file && l.to.type == l.from.type && tensor.contiguous()) {
      file->write(tensor.bytes);
    } else if (file && l.to.type == l.from.type) {
      file->write(dnalm::io::row_major_bytes(tensor));
    } else if (file) {
      file->write(dnalm::io::row_major_bytes(tensor, l.to.type));
    }
    w.forget(l.from.name);
    shown.advance();
  }
  if (file) file->finish();
}

/// Refuses an output that is no .safetensors, or one of the files that are read.
void check_output(const weights& w, const settings& s) {
  if (s.output.empty()) return;
  const std::filesystem::path output(s.output);
  if (output.extension() != ".safetensors") {
    throw error(error_kind::usage, 710, "the output is a safetensors file and should be called so",
                {.expected = "OUT.safetensors", .found = "'" + s.output + "'"});
  }
  auto inputs = w.files;
  inputs.emplace_back(s.input);
  for (const auto& input : inputs) {
    if (!program::is_same_file(input, output)) continue;
    throw error(error_kind::usage, 709, "the output would overwrite the input",
                {.expected = "another file", .found = "'" + s.output + "'"});
  }
}

std::string shape_text(const std::vector<index_t>& shape) {
  std::string text;
  for (const auto extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

struct totals {
  index_t parameters = 0;  // numbers of float tensors, tied ones once
  index_t bytes = 0;       // of the output
};

totals count(const std::vector<line>& lines, const std::vector<std::vector<std::string>>& tied) {
  std::set<std::string> again;
  for (const auto& names : tied) again.insert(names.begin() + 1, names.end());
  totals sum;
  for (const line& l : lines) {
    sum.bytes += l.to.size() * size_of(l.to.type);
    const bool is_float = dnalm::io::is_convertible_float(l.from.type) || l.from.type == dtype::f8_e4m3 ||
                          l.from.type == dtype::f8_e5m2;
    if (is_float && again.count(l.to.name) == 0) sum.parameters += l.from.size();
  }
  return sum;
}

std::string type_text(const line& l) {
  const std::string from(to_string(l.from.type));
  return l.to.type == l.from.type ? from : from + " to " + std::string(to_string(l.to.type));
}

void print_text(const weights& w, const std::vector<line>& lines,
                const std::vector<std::vector<std::string>>& tied, const settings& s) {
  std::size_t width = 4;
  for (const line& l : lines) width = std::max(width, std::min<std::size_t>(l.to.name.size(), 90));
  const int name_width = static_cast<int>(width);
  std::printf("%s: %s", program::plain(s.input).c_str(), w.format.c_str());
  if (w.files.size() > 1) std::printf(", %zu files", w.files.size());
  std::printf("\n%-*s  %-11s  %-20s  %s\n", name_width, "name", "dtype", "shape", "layout");
  std::map<std::string, int> layouts;
  for (const line& l : lines) {
    std::printf("%-*s  %-11s  %-20s  %s\n", name_width, program::plain(l.to.name).c_str(),
                type_text(l).c_str(), shape_text(l.to.shape).c_str(), l.layout.c_str());
    ++layouts[l.layout];
  }
  const totals sum = count(lines, tied);
  std::printf("%zu tensors, %lld parameters, %lld bytes\n", lines.size(),
              static_cast<long long>(sum.parameters), static_cast<long long>(sum.bytes));
  for (const auto& [layout, number] : layouts) {
    if (layout == "row-major") continue;
    const std::string words = layout == "packed" ? "compressed, chunked or big-endian" : layout;
    std::printf("%s in the file: %d, written row-major\n", words.c_str(), number);
  }
  for (const auto& names : tied) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : " = ") + program::plain(name);
    std::printf("tied: %s\n", text.c_str());
  }
  for (const auto& name : w.left_out) std::printf("left out, no numbers: %s\n", program::plain(name).c_str());
  std::printf("%s\n",
              s.output.empty() ? "Nothing was written." : ("written: " + program::plain(s.output)).c_str());
}

void print_json(const weights& w, const std::vector<line>& lines,
                const std::vector<std::vector<std::string>>& tied, const settings& s) {
  const totals sum = count(lines, tied);
  json out = {{"input", s.input}, {"format", w.format}, {"parameters", sum.parameters}, {"bytes", sum.bytes}};
  out["output"] = s.output.empty() ? json(nullptr) : json(s.output);
  out["files"] = json::array();
  for (const auto& file : w.files) out["files"].push_back(file.filename().string());
  out["tensors"] = json::array();
  for (const line& l : lines) {
    out["tensors"].push_back({{"name", l.to.name},
                              {"source_name", l.from.name},
                              {"dtype", to_string(l.to.type)},
                              {"source_dtype", to_string(l.from.type)},
                              {"shape", l.to.shape},
                              {"layout", l.layout}});
  }
  out["tied"] = tied;
  out["left_out"] = w.left_out;
  std::printf("%s\n", out.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

void run(const settings& s) {
  program::check_common(s.common);
  const weights w = open_weights(s);
  check_output(w, s);
  auto lines = plan(w, s);
  tied_tensors seen;
  convert(w, lines, seen, s);
  const auto tied = seen.groups();
  if (s.as_json) {
    print_json(w, lines, tied, s);
  } else {
    print_text(w, lines, tied, s);
  }
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Weights of PyTorch, Lightning, Keras or npz as a safetensors file, with a report.",
               "dnalm-convert");
  app.footer(examples);
  app.add_option("input", s.input, "File of weights, index of shards, or model folder")
      ->required()
      ->type_name("IN")
      ->check(program::not_empty());
  app.add_option("output", s.output, "File to write; without it only the report")
      ->type_name("OUT.safetensors");
  app.add_option("--dtype", s.type, "Float type to write; integers stay as they are")
      ->capture_default_str()
      ->check(CLI::IsMember({"keep", "f32", "f16", "bf16"}));
  app.add_option("--strip-prefix", s.prefix,
                 "Taken off the names that begin with it, as model. or module.; other names stay")
      ->type_name("TEXT");
  app.add_flag("--json", s.as_json, "Report as JSON");
  app.add_flag("--no-mmap", s.no_mmap,
               "Read without mapping the files, which another program may then shorten");
  program::add_common(app, s.common);
  return program::run(app, argc, argv, [&] { run(s); });
}
