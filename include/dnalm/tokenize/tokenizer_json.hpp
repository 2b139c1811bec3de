// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any tokenizer.json of the kinds that DNA models use.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>

DNALM_BEGIN_NAMESPACE

/// The tokenizer that the text of a tokenizer.json describes; `where` names the text in errors.
///
/// As the reference implementation does: added tokens are found in the text, the rest goes through
/// normalizer, added tokens of normalized text, pre-tokenizer and model (BPE, WordLevel, WordPiece), and the
/// post-processor frames the result. Never truncated, never padded. Offsets count bytes of the text that was
/// given, whatever the normalizer makes of it: a token made from replaced text covers all that was replaced.
/// Tokens that `config` calls special are found in text too, as PreTrainedTokenizerFast does.
///
/// \throws error [dnalm.unsupported.320] naming a component or setting that is not built in,
/// [dnalm.unsupported.326] for more than 64 steps of one, [dnalm.config.321] for missing or contradictory
/// parts, [dnalm.config.323] for a special token of `config` that is not there, and as io::parse_json. Its
/// encode throws [dnalm.unsupported.322] for a text of more than 2^31 - 2 bytes, [dnalm.input.324] for text
/// beyond ASCII where a component would have to know its letters, [dnalm.input.325] when a normalizer makes a
/// text more than 16 times longer.
[[nodiscard]] std::shared_ptr<const tokenizer_base> make_json_tokenizer(std::string_view json_text,
                                                                        const tokenizer_config& config,
                                                                        const std::string& where);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/tokenizer_json_impl.hpp>
#endif
