using System.Runtime.InteropServices;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// Log-probabilities of drawn tokens, and the way back from an objective to the gradients of the model. Sequences are packed, as many as may be computed at once; only drawn
/// tokens have logits.
/// </summary>
internal sealed class PolicyStep(Transformer model, Compute compute, ValueHead? values, int tokensAtOnce, float temperature, bool checkpointing) : IDisposable
{
    private readonly TrainingSession _session = new(model, compute, new TrainingSessionOptions { Checkpointing = checkpointing });
    private readonly List<int> _tokens = [], _starts = [], _drawnStarts = [], _positions = [], _targets = [];
    private readonly List<float> _old = [], _reference = [], _advantages = [], _oldValues = [], _returns = [];
    private float[] _logProbabilities = [], _entropies = [], _values = [], _states = [], _gradients = [], _entropyGradients = [], _valueGradients = [];

    private int Width => model.Config.Width;

    /// <summary>Gives ln p of the drawn tokens of each sequence, one after the other, and what is expected to come where there is a value head.</summary>
    public void Score(IReadOnlyList<LearningSequence> sequences, Action<LearningSequence, float[], float[]> take)
    {
        for (var from = 0; from < sequences.Count;)
        {
            var to = Pack(sequences, from);
            Forward();
            for (var s = from; s < to; s++)
            {
                var range = _drawnStarts[s - from].._drawnStarts[s - from + 1];
                take(sequences[s], _logProbabilities[range], values is null ? [] : _values[range]);
            }

            from = to;
        }
    }

    /// <summary>Adds the gradient of the objective over all the sequences, and returns its loss.</summary>
    /// <param name="maxTokens">Most tokens that a sequence could have had.</param>
    public double AddGradient(IReadOnlyList<LearningSequence> sequences, ISequenceObjective objective, int maxTokens, MetricSums metrics) => Run(sequences, objective, maxTokens, metrics, learn: true);

    /// <summary>The loss of the objective over all the sequences, and nothing else.</summary>
    public double Loss(IReadOnlyList<LearningSequence> sequences, ISequenceObjective objective, int maxTokens, MetricSums metrics) => Run(sequences, objective, maxTokens, metrics, learn: false);

    public void Dispose() => _session.Dispose();

    private double Run(IReadOnlyList<LearningSequence> sequences, ISequenceObjective objective, int maxTokens, MetricSums metrics, bool learn)
    {
        var whole = new UpdateSize(sequences.Count, sequences.Sum(sequence => sequence.Drawn.Length), maxTokens, Batches(sequences));
        double loss = 0;
        for (var from = 0; from < sequences.Count; from = Pack(sequences, from, measure: true))
        {
            Pack(sequences, from);
            Forward();
            var count = _targets.Count;
            var gradients = new SequenceGradients
            {
                LogProbabilities = _gradients.AsSpan(0, count), Entropies = _entropyGradients.AsSpan(0, count), Values = values is null ? default : _valueGradients.AsSpan(0, count),
            };
            loss += objective.Evaluate(Batch(), whole, gradients, metrics);
            if (!learn)
            {
                continue;
            }

            Span<float> states = default;
            if (values is not null)
            {
                states = _states.AsSpan(0, count * Width);
                values.Backward(states, gradients.Values);
            }

            _session.Backward(gradients.LogProbabilities, objective.Needs.HasFlag(SequenceNeeds.Entropies) ? gradients.Entropies : default, states);
        }

        return loss;
    }

    private SequenceBatch Batch() => new()
    {
        Starts = CollectionsMarshal.AsSpan(_drawnStarts),
        LogProbabilities = _logProbabilities.AsSpan(0, _targets.Count),
        Entropies = _entropies.AsSpan(0, _targets.Count),
        OldLogProbabilities = CollectionsMarshal.AsSpan(_old),
        ReferenceLogProbabilities = CollectionsMarshal.AsSpan(_reference),
        Advantages = CollectionsMarshal.AsSpan(_advantages),
        Values = values is null ? default : _values.AsSpan(0, _targets.Count),
        OldValues = CollectionsMarshal.AsSpan(_oldValues),
        Returns = CollectionsMarshal.AsSpan(_returns),
    };

    private void Forward()
    {
        var count = _targets.Count;
        if (_logProbabilities.Length < count)
        {
            (_logProbabilities, _entropies, _gradients, _entropyGradients) = (new float[count], new float[count], new float[count], new float[count]);
            (_values, _valueGradients, _states) = values is null ? ([], [], []) : (new float[count], new float[count], new float[count * Width]);
        }

        _session.Forward(
            CollectionsMarshal.AsSpan(_tokens), CollectionsMarshal.AsSpan(_starts), CollectionsMarshal.AsSpan(_positions), CollectionsMarshal.AsSpan(_targets), _logProbabilities.AsSpan(0, count),
            _entropies.AsSpan(0, count), temperature);
        if (values is not null)
        {
            _session.ReadStates(_states.AsSpan(0, count * Width));
            values.Forward(_states.AsSpan(0, count * Width), _values.AsSpan(0, count));
        }
    }

    private int Batches(IReadOnlyList<LearningSequence> sequences)
    {
        var batches = 0;
        for (var from = 0; from < sequences.Count; batches++)
        {
            from = Pack(sequences, from, measure: true);
        }

        return batches;
    }

    /// <summary>Packs sequences from one on, and returns the first that has no room.</summary>
    /// <param name="measure">Only tells where that is.</param>
    private int Pack(IReadOnlyList<LearningSequence> sequences, int from, bool measure = false)
    {
        int next = from, room = tokensAtOnce;
        // The second of a pair goes with the first.
        for (; next < sequences.Count && (next == from || sequences[next].Tokens.Length <= room || sequences[next].IsSecond); next++)
        {
            room -= sequences[next].Tokens.Length;
        }

        if (measure)
        {
            return next;
        }

        foreach (var list in (List<int>[])[_tokens, _starts, _drawnStarts, _positions, _targets])
        {
            list.Clear();
        }

        foreach (var list in (List<float>[])[_old, _reference, _advantages, _oldValues, _returns])
        {
            list.Clear();
        }

        _starts.Add(0);
        _drawnStarts.Add(0);
        for (var s = from; s < next; s++)
        {
            var sequence = sequences[s];
            foreach (var drawn in sequence.Drawn)
            {
                _positions.Add(_tokens.Count + drawn - 1);
                _targets.Add(sequence.Tokens[drawn]);
            }

            _tokens.AddRange(sequence.Tokens);
            _starts.Add(_tokens.Count);
            _drawnStarts.Add(_targets.Count);
            _old.AddRange(sequence.Old);
            _reference.AddRange(sequence.Reference);
            _advantages.AddRange(sequence.Advantages);
            _oldValues.AddRange(sequence.Values);
            _returns.AddRange(sequence.Returns);
        }

        return next;
    }
}
