// SPDX-License-Identifier: Apache-2.0
// Configurations that are wrong, contradictory, unknown or unusual.
#include <string>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/read_config.hpp>
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
json bert() {
  return json{{"architectures", {"BertForMaskedLM"}},
              {"hidden_act", "gelu"},
              {"hidden_size", 48},
              {"intermediate_size", 56},
              {"max_position_embeddings", 40},
              {"num_attention_heads", 4},
              {"num_hidden_layers", 3},
              {"type_vocab_size", 2},
              {"vocab_size", 69}};
}
json gena() {
  json c = bert();
  c["model_type"] = "bert";
  c["pre_layer_norm"] = true;
  c["pad_token_id"] = 3;
  c["position_embedding_type"] = "absolute";
  return c;
}
json of_type(const std::string& type) {
  json c = bert();
  c.erase("architectures");
  c["model_type"] = type;
  return c;
}
json modernbert() {
  json c = of_type("modernbert");
  c.erase("type_vocab_size");
  return c;
}
json rna(const std::string& type) {
  json c = of_type(type);
  c["tensor_names"] = "published";
  c["vocab_size"] = 25;
  return c;
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
  CHECK(parse(with(nt_v1(), "position_embedding_type", "rotary")).family == dnalm::architecture::esm2);
  CHECK(parse(bert()).family == dnalm::architecture::bert);
  CHECK(parse(of_type("bert")).family == dnalm::architecture::bert);
  CHECK(parse(with(bert(), "auto_map", {{"AutoModel", "dnabert_layer.BertModel"}})).family ==
        dnalm::architecture::bert);
  CHECK(parse(gena()).family == dnalm::architecture::gena);
  CHECK(parse(of_type("big_bird")).family == dnalm::architecture::big_bird);
  CHECK(parse(modernbert()).family == dnalm::architecture::modernbert);
  CHECK(parse(rna("rnafm")).family == dnalm::architecture::rnafm);
  CHECK(parse(rna("rinalmo")).family == dnalm::architecture::rinalmo);
  for (const std::string type : {"dnabert", "splicebert", "rnabert"}) {
    CHECK(parse(of_type(type)).family == dnalm::architecture::bert);
    CHECK(parse(of_type(type)).naming == dnalm::tensor_naming::multimolecule);
  }
}

TEST_CASE("BERT and GENA-LM differ in where they normalise", "[models]") {
  const auto plain = parse(bert());
  CHECK(plain.norm == dnalm::norm_placement::post);
  CHECK_FALSE(plain.final_norm);
  CHECK(plain.embedding_norm);
  CHECK(plain.position == dnalm::position_kind::learned);
  CHECK(plain.table_limit() == 40);
  CHECK(plain.norm_eps == 1e-12);
  CHECK(plain.tied_head);
  CHECK(parse(gena()).norm == dnalm::norm_placement::pre);
  CHECK(parse(gena()).final_norm);  // pre_layer_norm without last_layer_norm: there is one
  CHECK_FALSE(parse(with(gena(), "last_layer_norm", false)).final_norm);
  CHECK(parse(with(gena(), "pre_layer_norm", false)).norm == dnalm::norm_placement::post);
  CHECK(error_id_of([] { parse(with(with(gena(), "pre_layer_norm", false), "last_layer_norm", true)); }) ==
        "dnalm.config.403");
  const json rotary = with(with(gena(), "position_embedding_type", "rotary"), "rotary_base", 5000);
  CHECK(parse(rotary).rotated_channels() == 12);
  CHECK(parse(with(rotary, "rotary_dim", 8)).rotated_channels() == 8);
  CHECK(parse(rotary).rotary_base == 5000.0);
  CHECK(error_id_of([&] { parse(without(rotary, "rotary_base")); }) == "dnalm.config.401");
  CHECK(error_id_of([&] { parse(with(rotary, "rotary_dim", 7)); }) == "dnalm.config.403");
  CHECK(error_id_of([&] { parse(with(rotary, "rotary_dim", 14)); }) == "dnalm.config.402");
}

TEST_CASE("activations go by the names of transformers", "[models]") {
  CHECK(parse(bert()).function == dnalm::activation::gelu_erf);
  CHECK(parse(with(bert(), "hidden_act", "gelu_new")).function == dnalm::activation::gelu_tanh);
  CHECK(parse(with(bert(), "hidden_act", "gelu_new")).head_function == dnalm::activation::gelu_tanh);
  CHECK(parse(with(bert(), "hidden_act", "silu")).function == dnalm::activation::silu);
  CHECK(error_id_of([] { parse(with(bert(), "hidden_act", "relu")); }) == "dnalm.unsupported.404");
}

TEST_CASE("BigBird takes no more tokens than its attention is dense for", "[models]") {
  json c = with(of_type("big_bird"), "max_position_embeddings", 4096);
  CHECK(parse(c).table_limit() == 704);  // (5 + 2 x 3) x 64, the defaults and the published values
  CHECK(parse(c).function == dnalm::activation::gelu_erf);
  CHECK(parse(without(c, "hidden_act")).function == dnalm::activation::gelu_tanh);
  CHECK(parse(with(c, "attention_type", "original_full")).table_limit() == 4096);
  CHECK_FALSE(parse(with(c, "use_bias", false)).qkv_bias);
  CHECK(error_id_of([&] { parse(with(c, "attention_type", "local")); }) == "dnalm.unsupported.404");
  CHECK(error_id_of([&] { parse(with(c, "rescale_embeddings", true)); }) == "dnalm.unsupported.404");
}

TEST_CASE("ModernBERT's defaults are those of transformers, and every flag is obeyed", "[models]") {
  const auto c = parse(modernbert());
  CHECK(c.local_window == 64);
  CHECK(c.global_every == 3);
  CHECK_FALSE(c.is_local(0));
  CHECK(c.is_local(1));
  CHECK(c.is_local(2));
  CHECK(c.rotary_base == 160000.0);
  CHECK(c.local_rotary_base == 10000.0);
  CHECK(c.norm_eps == 1e-5);
  CHECK_FALSE(c.first_attention_norm);
  CHECK_FALSE(c.norm_bias);
  CHECK_FALSE(c.qkv_bias);
  CHECK_FALSE(c.output_bias);
  CHECK_FALSE(c.feed_forward_bias1);
  CHECK_FALSE(c.head_dense_bias);
  CHECK(c.decoder_bias);
  CHECK(parse(with(modernbert(), "local_attention", 11)).local_window == 5);
  CHECK(parse(with(modernbert(), "global_attn_every_n_layers", 1)).global_every == 1);
  CHECK(parse(with(modernbert(), "local_rope_theta", nullptr)).local_rotary_base == 160000.0);
  CHECK(parse(with(modernbert(), "attention_bias", true)).output_bias);
  CHECK(parse(with(modernbert(), "norm_bias", true)).norm_bias);
  CHECK(parse(with(modernbert(), "classifier_bias", true)).head_dense_bias);
  CHECK_FALSE(parse(with(modernbert(), "decoder_bias", false)).decoder_bias);
  CHECK(parse(with(modernbert(), "classifier_activation", "silu")).head_function == dnalm::activation::silu);
  CHECK(error_id_of([] { parse(with(modernbert(), "local_attention", 1)); }) == "dnalm.config.402");
  CHECK(error_id_of([] {
          parse(with(modernbert(), "rope_scaling", {{"type", "yarn"}}));
        }) == "dnalm.unsupported.404");
}

TEST_CASE("ModernBERT as transformers 5 writes it says the same block by block", "[models]") {
  json c = modernbert();
  c["layer_types"] = {"full_attention", "sliding_attention", "full_attention"};
  c["rope_parameters"] = {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 80000.0}}},
                          {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 9000.0}}}};
  CHECK(parse(c).global_every == 2);
  CHECK(parse(c).rotary_base == 80000.0);
  CHECK(parse(c).local_rotary_base == 9000.0);
  CHECK(parse(with(c, "layer_types", {"full_attention", "sliding_attention", "sliding_attention"}))
            .global_every == 3);
  CHECK(parse(with(c, "layer_types", {"full_attention", "full_attention", "full_attention"})).global_every ==
        1);
  CHECK(error_id_of([&] { parse(with(c, "layer_types", {"full_attention"})); }) == "dnalm.config.403");
  CHECK(error_id_of([&] {
          parse(with(c, "layer_types", {"sliding_attention", "full_attention", "full_attention"}));
        }) == "dnalm.unsupported.404");
  c["rope_parameters"]["full_attention"]["rope_type"] = "yarn";
  CHECK(error_id_of([&] { parse(c); }) == "dnalm.unsupported.404");
  c["rope_parameters"].erase("full_attention");
  CHECK(error_id_of([&] { parse(c); }) == "dnalm.config.401");
}

TEST_CASE("RNA models know the conventions of whoever wrote their weights", "[models]") {
  const auto fm = parse(rna("rnafm"));
  CHECK(fm.pad_id == 1);
  CHECK(fm.mask_id == 24);
  CHECK(fm.mask_row_zero);
  CHECK(fm.embedding_norm);
  CHECK_FALSE(fm.token_dropout);
  CHECK(fm.table_limit() == 38);
  CHECK(fm.norm_eps == 1e-5);
  const auto converted = parse(of_type("rnafm"));
  CHECK(converted.pad_id == 0);
  CHECK(converted.mask_id == 4);
  CHECK(converted.position_shift == 1);
  CHECK(converted.table_limit() == 38);
  CHECK_FALSE(converted.mask_row_zero);
  CHECK(parse(with(of_type("rnafm"), "lm_head", {{"layer_norm_eps", 1e-12}})).head_norm_eps == 1e-12);
  CHECK(error_id_of([] {
          parse(with(of_type("rnafm"), "lm_head", {{"transform", "linear"}}));
        }) == "dnalm.unsupported.404");
  const auto rinalmo = parse(with(rna("rinalmo"), "intermediate_size", 5120));
  CHECK(rinalmo.feed_forward == 3413);
  CHECK(rinalmo.fused_qkv);
  CHECK_FALSE(rinalmo.qkv_bias);
  CHECK_FALSE(rinalmo.tied_head);
  CHECK(rinalmo.token_dropout);
  CHECK(rinalmo.norm == dnalm::norm_placement::pre_normed);
  CHECK_FALSE(parse(of_type("rinalmo")).fused_qkv);
  CHECK(error_id_of([] { parse(with(rna("rinalmo"), "intermediate_size", 1)); }) == "dnalm.config.403");
  CHECK(error_id_of([] { parse(with(rna("rinalmo"), "vocab_size", 4)); }) == "dnalm.config.403");
  CHECK(error_id_of([] { parse(with(rna("rinalmo"), "mask_token_id", 25)); }) == "dnalm.config.402");
  CHECK(error_id_of([] { parse(with(rna("rinalmo"), "tensor_names", "mine")); }) == "dnalm.unsupported.404");
}

TEST_CASE("settings that would change the numbers are refused by name", "[models]") {
  const auto refused = [](const json& config, const std::string& key) {
    INFO(key);
    CHECK(error_id_of([&] { parse(config); }) == "dnalm.unsupported.404");
    CHECK_THROWS_WITH(parse(config), Catch::Contains(key));
  };
  const json full_map = {{"AutoConfig", "configuration_bert.BertConfig"}, {"AutoModel", "my_bert.BertModel"}};
  refused(with(bert(), "auto_map", full_map), "auto_map");
  const json own_code = {{"AutoModel", "my_net.Model"}};
  for (const json& stock :
       {nt_v1(), nt_v2(), dnabert2(), gena(), modernbert(), rna("rinalmo"), rna("rnafm")}) {
    refused(with(stock, "auto_map", own_code), "auto_map");
    refused(with(stock, "pruned_heads", {{"1", {0, 1}}}), "pruned_heads");
    refused(with(stock, "quantization_config", {{"bits", 4}}), "quantization_config");
  }
  refused(with(bert(), "position_embedding_type", "relative_key"), "position_embedding_type");
  refused(with(bert(), "pruned_heads", {{"1", {0, 1}}}), "pruned_heads");
  refused(with(bert(), "embedding_size", 24), "embedding_size");
  refused(with(bert(), "is_decoder", true), "is_decoder");
  refused(with(bert(), "add_cross_attention", true), "add_cross_attention");
  refused(with(bert(), "is_encoder_decoder", true), "is_encoder_decoder");
  refused(with(bert(), "quantization_config", {{"bits", 4}}), "quantization_config");
  refused(with(gena(), "sparse_config_cls", "deepspeed.ops.sparse_attention:BigBirdSparsityConfig"),
          "sparse_config_cls");
  refused(with(gena(), "position_embedding_type", "relative_attention_bias"), "position_embedding_type");
  refused(with(modernbert(), "hidden_activation", "relu"), "hidden_activation");
  refused(with(rna("rinalmo"), "position_embedding_type", "absolute"), "position_embedding_type");
  refused(with(rna("rnafm"), "position_embedding_type", "rotary"), "position_embedding_type");
  CHECK(parse(with(bert(), "pruned_heads", json::object())).heads == 4);
  CHECK(parse(with(bert(), "quantization_config", nullptr)).heads == 4);
}

TEST_CASE("a folder without config.json is told what to write", "[models]") {
  const dnalm_test::temporary_folder folder("no_config");
  CHECK(error_id_of([&] { static_cast<void>(dnalm::read_encoder_config(folder.path())); }) ==
        "dnalm.config.430");
  CHECK_THROWS_WITH(dnalm::read_encoder_config(folder.path()),
                    Catch::Contains("tensor_names") && Catch::Contains("docs/models.md"));
}

TEST_CASE("unknown architectures are named and refused as unsupported", "[models]") {
  CHECK(error_id_of([] { parse(with(nt_v2(), "model_type", "hyena")); }) == "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(without(dnabert2(), "alibi_starting_size")); }) == "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(with(dnabert2(), "add_bias_fnn", true)); }) == "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(with(dnabert2(), "model_type", "roberta")); }) == "dnalm.unsupported.400");
  CHECK(error_id_of([] { parse(with(bert(), "architectures", {"RobertaForMaskedLM"})); }) ==
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
