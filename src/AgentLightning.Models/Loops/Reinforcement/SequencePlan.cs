using System.Runtime.InteropServices;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// In which order sequences are computed, and how many at once. Those that have one prompt become neighbours, wherever they were, and are a
/// family: the tokens with which all of them begin are computed once. A family that has no room in a part goes on in the next.
/// </summary>
internal sealed class SequencePlan
{
    private readonly IReadOnlyList<LearningSequence> _sequences;
    private readonly int[] _order;
    private readonly List<Family> _families = [];
    private readonly List<int> _parts = [0];

    /// <param name="tokensAtOnce">Most tokens of a part, one sequence or pair at least; a common beginning counts once.</param>
    /// <param name="sharePrompts">False leaves the order, and every sequence is a family of its own.</param>
    public SequencePlan(IReadOnlyList<LearningSequence> sequences, int tokensAtOnce, bool sharePrompts)
    {
        _sequences = sequences;
        var prompts = sharePrompts ? NumberPrompts(sequences) : [.. Enumerable.Range(0, sequences.Count)];
        _order = [.. Enumerable.Range(0, sequences.Count).OrderBy(i => prompts[i])];
        var room = tokensAtOnce;
        for (var i = 0; i < _order.Length; i++)
        {
            var sequence = this[i];
            var alone = new Family(i, i + 1, sequence.Inputs, sequence.Inputs);
            if (i > 0 && prompts[_order[i]] == prompts[_order[i - 1]])
            {
                var joined = Join(_families[^1], sequence);
                var more = joined.Tokens - _families[^1].Tokens;
                if (more <= room || sequence.IsSecond)
                {
                    (_families[^1], room) = (joined, room - more);
                    continue;
                }
            }

            // The second of a pair goes with the first.
            if (alone.Tokens > room && _families.Count > _parts[^1] && !sequence.IsSecond)
            {
                _parts.Add(_families.Count);
                room = tokensAtOnce;
            }

            _families.Add(alone);
            room -= alone.Tokens;
        }
    }

    /// <summary>Parts that are computed one after the other; at least one.</summary>
    public int Parts => _parts.Count;

    public LearningSequence this[int place] => _sequences[_order[place]];

    /// <summary>Where the sequence was before.</summary>
    public int IndexOf(int place) => _order[place];

    public ReadOnlySpan<Family> Part(int index) =>
        CollectionsMarshal.AsSpan(_families)[_parts[index]..(index + 1 < _parts.Count ? _parts[index + 1] : _families.Count)];

    private static int[] NumberPrompts(IReadOnlyList<LearningSequence> sequences)
    {
        var seen = new Dictionary<LearningSequence, int>(new SamePrompt());
        var numbers = new int[sequences.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (i > 0 && sequences[i].IsSecond)
            {
                numbers[i] = numbers[i - 1];
            }
            else if (!seen.TryGetValue(sequences[i], out numbers[i]))
            {
                seen.Add(sequences[i], numbers[i] = seen.Count);
            }
        }

        return numbers;
    }

    private Family Join(Family family, LearningSequence sequence)
    {
        var common = this[family.From].Tokens.AsSpan(0, family.Common).CommonPrefixLength(sequence.Tokens.AsSpan(0, sequence.Inputs));
        return family with { To = family.To + 1, Common = common, Whole = family.Whole + sequence.Inputs };
    }

    /// <summary>Neighbours that begin with the same tokens.</summary>
    /// <param name="From">Place of its first sequence.</param>
    /// <param name="To">Place after its last.</param>
    /// <param name="Common">Tokens with which all of them begin.</param>
    /// <param name="Whole">Tokens of all of them, each for itself.</param>
    public readonly record struct Family(int From, int To, int Common, int Whole)
    {
        /// <summary>Tokens that are computed.</summary>
        public int Tokens => Whole - ((To - From - 1) * Common);
    }

    private sealed class SamePrompt : IEqualityComparer<LearningSequence>
    {
        public bool Equals(LearningSequence? x, LearningSequence? y) => x!.Prompt.SequenceEqual(y!.Prompt);

        public int GetHashCode(LearningSequence obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(MemoryMarshal.AsBytes(obj.Prompt));
            return hash.ToHashCode();
        }
    }
}
