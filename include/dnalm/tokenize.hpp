// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module tokenize.
#pragma once

#include <dnalm/tokenize/bpe_automaton.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/bpe_merges.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>
#include <dnalm/tokenize/kmer_tokenizer.hpp>
#include <dnalm/tokenize/literal_tokens.hpp>
#include <dnalm/tokenize/nucleotide_rules.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>
#include <dnalm/tokenize/offset_list.hpp>
#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>
#include <dnalm/tokenize/special_tokens.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <dnalm/tokenize/tokenizer_base.hpp>
#include <dnalm/tokenize/tokenizer_config.hpp>
#include <dnalm/tokenize/tokenizer_json.hpp>
#include <dnalm/tokenize/tokens.hpp>
#include <dnalm/tokenize/vocabulary_file.hpp>
