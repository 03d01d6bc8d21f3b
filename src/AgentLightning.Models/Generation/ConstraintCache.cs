using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Generation;

/// <summary>What grammars allow of one vocabulary, kept for the grammars that come again.</summary>
/// <param name="tokenizer">Null where no grammar can be kept to.</param>
internal sealed class ConstraintCache(Tokenizer? tokenizer, int vocabularySize)
{
    private const int Most = 64;
    private readonly Dictionary<JsonGrammar, TokenConstraint> _constraints = [];
    private TokenTrie? _trie;

    /// <exception cref="ArgumentException">There is no tokenizer.</exception>
    public TokenConstraint Of(JsonGrammar grammar)
    {
        if (!_constraints.TryGetValue(grammar, out var constraint))
        {
            if (_constraints.Count == Most)
            {
                _constraints.Clear();
            }

            _trie ??= new TokenTrie(
                tokenizer ?? throw new ArgumentException("A grammar needs a tokenizer, but this generator has none."),
                vocabularySize
            );
            _constraints[grammar] = constraint = new TokenConstraint(grammar, _trie, vocabularySize);
        }

        return constraint;
    }
}
