// SPDX-License-Identifier: Apache-2.0
// Configurations that are wrong, contradictory, unknown or unusual.
#include <string>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>

namespace {

using dnalm::io::json;
using dnalm_test::error_id_of;

json nt_v2() {
  return json{{"add_bias_fnn", false},
              {"emb_layer_norm_before", false},
              {"hidden_size", 48},
              {"intermediate_size", 56},
              {"layer_norm_eps", 1e-12},
              {"mask_token_id", 2},
              {"max_position_embeddings", 514},
              {"num_attention_heads", 4},
              {"num_hidden_layers", 2},
              {"pad_token_id", 1},
              {"position_embedding_type", "rotary"},
              {"tie_word_embeddings", false},
              {"token_dropout", false},
              {"vocab_size", 75}};
}
json nt_v1() {
  json c = nt_v2();
  c.erase("add_bias_fnn");
  c["model_type"] = "esm";
  c["position_embedding_type"] = "absolute";
  c["token_dropout"] = true;
  return c;
}
json dnabert2() {
  return json{{"alibi_starting_size", 512}, {"hidden_size", 48},      {"intermediate_size", 56},
              {"num_attention_heads", 4},   {"num_hidden_layers", 2}, {"vocab_size", 75}};
}

dnalm::encoder_config parse_text(const std::string& text) {
  const dnalm_test::temporary_folder folder("config");
  dnalm_test::write_text(folder.path() / "config.json", text);
  return dnalm::read_encoder_config(folder.path());
}
dnalm::encoder_config parse(const json& config) {
  return parse_text(config.dump());
}

json with(json config, const std::string& key, json value) {
  config[key] = std::move(value);
  return config;
}
json without(json config, const std::string& key) {
  config.erase(key);
  return config;
}

}  // namespace

TEST_CASE("each architecture is told by its configuration", "[models]") {
  CHECK(parse(nt_v1()).family == dnalm::architecture::nt_v1);
  CHECK(parse(nt_v2()).family == dnalm::architecture::nt_v2);
  CHECK(parse(with(without(nt_v2(), "add_bias_fnn"), "auto_map", {{"AutoConfig", "modeling_esm.EsmConfig"}}))
            .family == dnalm::architecture::nt_v2);
  CHECK(parse(with(nt_v2(), "model_type", "esm")).family == dnalm::architecture::nt_v2);
  CHECK(parse(dnabert2()).family == dnalm::architecture::dnabert2);
  CHECK(parse(with(without(dnabert2(), "alibi_starting_size"), "auto_map",
                   {{"AutoModel", "bert_layers.BertModel"}}))
            .family == dnalm::architecture::dnabert2);
}

TEST_CASE("unknown architectures are named and refused as unsupported", "[models]") {
  CHECK(error_id_of([] { parse(with(nt_v2(), "model_type", "hyena")); }) == "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(without(with(dnabert2(), "model_type", "bert"), "alibi_starting_size")); }) ==
        "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(json::object()); }) == "dnalm.unsupported.400");
  CHECK_THROWS_WITH(parse(with(nt_v1(), "model_type", "hyena")),
                    Catch::Contains("hyena") && Catch::Contains("NT-v2"));
}

TEST_CASE("flags of the configuration are obeyed, whichever way they stand", "[models]") {
  const auto usual = parse(nt_v1());
  CHECK(usual.position == dnalm::position_kind::learned_pad_offset);
  CHECK(usual.table_limit() == 512);
  CHECK(usual.token_dropout);
  CHECK_FALSE(usual.embedding_norm);
  CHECK_FALSE(usual.tied_head);
  CHECK(parse(with(nt_v1(), "position_embedding_type", "rotary")).position == dnalm::position_kind::rotary);
  CHECK(parse(with(nt_v1(), "emb_layer_norm_before", true)).embedding_norm);
  CHECK(parse(with(nt_v1(), "tie_word_embeddings", true)).tied_head);
  CHECK(parse(without(nt_v1(), "tie_word_embeddings")).tied_head);
  CHECK_FALSE(parse(with(nt_v1(), "token_dropout", false)).token_dropout);
  CHECK(parse(with(nt_v1(), "pad_token_id", 3)).table_limit() == 510);
  CHECK(parse(with(nt_v1(), "mask_token_id", 5)).mask_id == 5);
  CHECK(parse(with(nt_v1(), "mask_token_id", nullptr)).mask_id == -1);
  CHECK(parse(with(nt_v1(), "layer_norm_eps", 1e-5)).head_norm_eps == 1e-5);
  CHECK(parse(with(dnabert2(), "layer_norm_eps", 1e-5)).head_norm_eps == 1e-12);
  CHECK(parse(with(nt_v2(), "add_bias_fnn", true)).feed_forward_bias1);
  CHECK_FALSE(parse(nt_v2()).feed_forward_bias2);
}

TEST_CASE("of a key that is named twice the last one counts", "[models]") {
  std::string text = nt_v2().dump();
  text.insert(1, "\"hidden_size\": 4, ");
  CHECK(parse_text(text).width == 48);
}

TEST_CASE("missing keys are named", "[models]") {
  for (const std::string key :
       {"hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "vocab_size"}) {
    CHECK(error_id_of([&] { parse(without(nt_v2(), key)); }) == "dnalm.config.401");
    CHECK_THROWS_WITH(parse(without(nt_v2(), key)), Catch::Contains(key));
  }
  CHECK(error_id_of([] { parse(without(nt_v1(), "pad_token_id")); }) == "dnalm.config.401");
}

TEST_CASE("values of a wrong type or out of range are refused", "[models]") {
  for (const json& value : {json(-1), json(0), json(1.5), json("48"), json(true), json::array(), json(1e300),
                            json(std::uint64_t{18446744073709551615U})}) {
    CHECK(error_id_of([&] { parse(with(nt_v2(), "hidden_size", value)); }) == "dnalm.config.402");
    CHECK(error_id_of([&] { parse(with(nt_v2(), "num_hidden_layers", value)); }) == "dnalm.config.402");
  }
  CHECK(error_id_of([] { parse(with(nt_v2(), "token_dropout", 1)); }) == "dnalm.config.402");
  CHECK(error_id_of([] { parse(with(nt_v2(), "layer_norm_eps", -1e-5)); }) == "dnalm.config.402");
  CHECK(error_id_of([] { parse(with(nt_v2(), "layer_norm_eps", "small")); }) == "dnalm.config.402");
  CHECK(error_id_of([] { parse(with(nt_v2(), "position_embedding_type", 3)); }) == "dnalm.config.402");
  CHECK(error_id_of([] { parse_text("[1]"); }) == "dnalm.config.402");
}

TEST_CASE("sizes that contradict each other are refused", "[models]") {
  CHECK(error_id_of([] { parse(with(nt_v2(), "num_attention_heads", 5)); }) == "dnalm.config.403");
  CHECK(error_id_of([] { parse(with(nt_v2(), "num_attention_heads", 16)); }) ==
        "dnalm.config.403");  // 3 per head
  CHECK(error_id_of([] { parse(with(nt_v1(), "max_position_embeddings", 2)); }) == "dnalm.config.403");
}

TEST_CASE("settings that are not built in are told as unsupported", "[models]") {
  CHECK(error_id_of([] { parse(with(nt_v2(), "position_embedding_type", "relative_key")); }) ==
        "dnalm.unsupported.404");
  CHECK(error_id_of([] { parse(with(dnabert2(), "hidden_act", "relu")); }) == "dnalm.unsupported.404");
  CHECK(error_id_of([] { parse(with(nt_v1(), "is_folding_model", true)); }) == "dnalm.unsupported.404");
}
