// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which family of encoders a configuration is of, and what it says.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/detail/config_bert.hpp>
#include <dnalm/models/detail/config_esm.hpp>
#include <dnalm/models/detail/config_rna.hpp>
#include <dnalm/models/encoder_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[noreturn]] inline void unknown_architecture(const config_reader& reader, const std::string& type) {
  throw error(
      error_kind::unsupported, 400, "the architecture of this model is not built in",
      {.where = reader.where(),
       .expected = "NT-v1 or ESM-2 (model_type \"esm\"), NT-v2 (auto_map to modeling_esm, or "
                   "add_bias_fnn), DNABERT-2 (auto_map to bert_layers, or alibi_starting_size), BERT "
                   "and GENA-LM (model_type \"bert\", or architectures of Bert...), or model_type "
                   "\"big_bird\", \"modernbert\", \"rnafm\", \"rinalmo\", \"dnabert\", \"splicebert\", "
                   "\"rnabert\", \"ConvNet\" (GPN), \"hyenadna\" or \"caduceus\"",
       .found = type.empty() ? "no model_type and no key of these" : "model_type \"" + type + "\""});
}

/// Whether the class that wrote the file is one of stock BERT.
[[nodiscard]] inline bool names_bert_class(const config_reader& reader) {
  for (const std::string& name : reader.texts("architectures")) {
    if (name.rfind("Bert", 0) == 0) return true;
  }
  return false;
}

[[nodiscard]] inline architecture tell_bert(const config_reader& reader) {
  for (const std::string key : {"pre_layer_norm", "last_layer_norm", "sparse_config_cls", "rotary_dim"}) {
    if (reader.contains(key)) return architecture::gena;
  }
  return architecture::bert;
}

[[nodiscard]] inline architecture tell_architecture(const config_reader& reader) {
  const std::string type = reader.text("model_type", "");
  const bool gated_esm = reader.contains("add_bias_fnn") || reader.mentions("auto_map", "modeling_esm");
  const bool mosaic = reader.contains("alibi_starting_size") || reader.mentions("auto_map", "bert_layers");
  if (gated_esm && mosaic) unknown_architecture(reader, type);
  if ((type.empty() || type == "esm") && gated_esm) return architecture::nt_v2;
  if ((type.empty() || type == "bert") && mosaic) return architecture::dnabert2;
  if (gated_esm || mosaic) unknown_architecture(reader, type);
  if (type == "esm") {
    const bool rotary = reader.text("position_embedding_type", "absolute") == "rotary";
    return rotary ? architecture::esm2 : architecture::nt_v1;
  }
  if (type == "bert" || (type.empty() && names_bert_class(reader))) return tell_bert(reader);
  if (type == "dnabert" || type == "splicebert" || type == "rnabert") return architecture::bert;
  if (type == "big_bird") return architecture::big_bird;
  if (type == "modernbert") return architecture::modernbert;
  if (type == "rnafm") return architecture::rnafm;
  if (type == "rinalmo") return architecture::rinalmo;
  unknown_architecture(reader, type);
}

/// The code that publishers ship with a family, and that dnalm's encoder was compared with.
[[nodiscard]] inline std::vector<std::string> known_code(architecture family) {
  switch (family) {
    case architecture::nt_v2: return {"modeling_esm", "esm_config"};
    case architecture::dnabert2: return {"bert_layers"};
    case architecture::bert: return {"modeling_bert", "dnabert_layer"};
    case architecture::gena:
    case architecture::big_bird: return {"modeling_bert"};
    case architecture::nt_v1:
    case architecture::esm2:
    case architecture::modernbert:
    case architecture::rnafm:
    case architecture::rinalmo: break;
  }
  return {};
}

/// \throws 404 when a folder brings other code, which may compute anything.
inline void check_code(const config_reader& reader, architecture family) {
  const std::vector<std::string> known = known_code(family);
  for (const std::string& name : reader.texts("auto_map")) {
    const std::string module = name.substr(name.rfind("--") == std::string::npos ? 0 : name.rfind("--") + 2);
    const std::string file = module.substr(0, module.find('.'));
    const bool no_model = file.rfind("configuration_", 0) == 0 || file.rfind("tokeniz", 0) == 0;
    if (no_model || std::find(known.begin(), known.end(), file) != known.end()) continue;
    std::string expected;
    for (const std::string& one : known) expected += one + " or ";
    reader.unsupported("auto_map", expected + "no code", "\"" + name + "\"");
  }
}

inline void read_family(const config_reader& reader, encoder_config& config) {
  switch (config.family) {
    case architecture::nt_v1:
    case architecture::nt_v2:
    case architecture::esm2: return read_esm(reader, config);
    case architecture::dnabert2: return read_dnabert2(reader, config);
    case architecture::bert: {
      const std::string type = reader.text("model_type", "bert");
      return type == "bert" ? read_bert(reader, config) : read_multimolecule_bert(reader, config);
    }
    case architecture::gena: return read_gena(reader, config);
    case architecture::big_bird: return read_big_bird(reader, config);
    case architecture::modernbert: return read_modernbert(reader, config);
    case architecture::rnafm: return read_rnafm(reader, config);
    case architecture::rinalmo: return read_rinalmo(reader, config);
  }
}

[[nodiscard]] inline encoder_config read_encoder(const config_reader& reader) {
  encoder_config config;
  config.family = tell_architecture(reader);
  read_sizes(reader, config);
  read_family(reader, config);
  check_code(reader, config.family);
  for (const std::string key : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    reader.require_false(key);
  }
  for (const std::string key : {"pruned_heads", "quantization_config"}) reader.require_absent(key);
  return config;
}

}  // namespace detail
DNALM_END_NAMESPACE
