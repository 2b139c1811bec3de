// SPDX-License-Identifier: Apache-2.0
// dnalm-inspect: what is in a model folder, without loading the weights.
#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/inspect.hpp>
#include <support/options.hpp>
#include <support/plain_text.hpp>
#include <support/program.hpp>

namespace {

using dnalm::io::json;
using program::plain;

constexpr const char* examples = R"(Examples:
  dnalm-inspect nt-v2-100m
      architecture, configuration, tokenizer, tensors; what misses and what is too much
  dnalm-inspect nt-v2-100m --json | jq .parameters
      the same for other programs)";

std::string shape_text(const std::vector<dnalm::index_t>& shape) {
  std::string text;
  for (const auto extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "scalar" : text;
}

void fact(const char* name, const std::string& value) {
  std::printf("%-14s %s\n", name, plain(value).c_str());
}

void print_text(const dnalm::model_inspection& m) {
  fact("folder", m.folder.string());
  const dnalm::network_summary about = summary_of(m.config);
  const std::string heads = about.heads > 0 ? " (" + std::to_string(about.heads) + " heads)" : "";
  fact("architecture", std::string(about.architecture));
  fact("layers", std::to_string(about.layers));
  fact("width", std::to_string(about.width) + heads);
  if (about.feed_forward > 0) {
    fact("feed-forward", std::to_string(about.feed_forward) + (about.gated ? ", gated" : ""));
  }
  for (const auto& setting : m.settings) fact(setting.key.c_str(), setting.value);
  fact("vocabulary", std::to_string(about.vocabulary));
  fact("tokenizer", m.tokenizer.empty() ? "none in the folder" : m.tokenizer);
  fact("longest input", m.max_tokens == 0 ? "no limit" : std::to_string(m.max_tokens) + " tokens");
  fact("parameters", std::to_string(m.parameters));
  for (const auto& file : m.files) fact("weights", file.filename().string());

  std::printf("\nconfiguration\n");
  for (const auto& entry : m.configuration)
    std::printf("  %s = %s\n", plain(entry.key).c_str(), plain(entry.value).c_str());
  std::printf("\ntensors (%zu)\n", m.tensors.size());
  for (const auto& tensor : m.tensors) {
    std::printf("  %-70s %-5s %-18s %s\n", plain(tensor.info.name).c_str(),
                std::string(to_string(tensor.info.type)).c_str(), shape_text(tensor.info.shape).c_str(),
                std::string(to_string(tensor.status)).c_str());
  }
  std::printf("\nmissing tensors: %zu\n", m.missing.size());
  for (const auto& tensor : m.missing) {
    std::printf("  %-70s %s\n", plain(tensor.name).c_str(), shape_text(tensor.shape).c_str());
  }
  std::printf("surplus tensors: %zu\n", m.surplus().size());
  for (const auto& name : m.surplus()) std::printf("  %s\n", plain(name).c_str());
  std::printf("%s\n", m.loadable() ? "The folder can be loaded." : "The folder can NOT be loaded.");
}

json to_json(const dnalm::model_inspection& m) {
  const dnalm::network_summary about = summary_of(m.config);
  json out = {{"folder", m.folder.string()}, {"architecture", about.architecture}};
  out["layers"] = about.layers;
  out["width"] = about.width;
  out["heads"] = about.heads == 0 ? json(nullptr) : json(about.heads);
  out["feed_forward"] = about.feed_forward == 0 ? json(nullptr) : json(about.feed_forward);
  out["vocabulary"] = about.vocabulary;
  out["settings"] = json::object();
  for (const auto& setting : m.settings) out["settings"][setting.key] = setting.value;
  out["parameters"] = m.parameters;
  out["max_tokens"] = m.max_tokens == 0 ? json(nullptr) : json(m.max_tokens);
  out["tokenizer"] = m.tokenizer.empty() ? json(nullptr) : json(m.tokenizer);
  out["loadable"] = m.loadable();
  out["files"] = json::array();
  for (const auto& file : m.files) out["files"].push_back(file.filename().string());
  out["configuration"] = json::object();
  for (const auto& entry : m.configuration) {
    out["configuration"][entry.key] = dnalm::io::parse_json(entry.value, "config.json");
  }
  out["tensors"] = json::array();
  for (const auto& tensor : m.tensors) {
    out["tensors"].push_back({{"name", tensor.info.name},
                              {"dtype", to_string(tensor.info.type)},
                              {"shape", tensor.info.shape},
                              {"status", to_string(tensor.status)}});
  }
  out["missing"] = json::array();
  for (const auto& tensor : m.missing)
    out["missing"].push_back({{"name", tensor.name}, {"shape", tensor.shape}});
  out["surplus"] = m.surplus();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  bool as_json = false;
  program::common_options common;
  CLI::App app("What is in a model folder: architecture, configuration, tokenizer, tensors.",
               "dnalm-inspect");
  app.footer(examples);
  app.add_option("folder", folder, "Model folder")->required()->type_name("DIR");
  app.add_flag("--json", as_json, "JSON instead of text");
  program::add_common(app, common);
  return program::run(app, argc, argv, [&] {
    program::check_common(common);
    const auto inspection = dnalm::inspect_model(folder);
    if (!as_json) return print_text(inspection);
    std::printf("%s\n", to_json(inspection).dump(2, ' ', false, json::error_handler_t::replace).c_str());
  });
}
