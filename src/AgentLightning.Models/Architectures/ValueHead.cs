using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// What is expected to come after a token: V = w·state + b, on what the output layer of a model is given. It is trained, begins at 0, and
/// its gradient goes on into the model.
/// </summary>
public sealed unsafe class ValueHead : IDisposable
{
    private readonly Parameter _weight,
        _bias;

    public ValueHead(TransformerConfig config)
    {
        (_weight, _bias) = (
            new Parameter("value_head.weight", config.Width, 0, StoredType.F32),
            new Parameter("value_head.bias", 1, 0, StoredType.F32)
        );
        _weight.Train(true);
        _bias.Train(true);
    }

    /// <summary>Weight and bias.</summary>
    public IReadOnlyList<Parameter> Parameters => [_weight, _bias];

    private ReadOnlySpan<float> Weight => new(_weight.Vector, _weight.Outputs);

    /// <param name="states">[n × width]</param>
    /// <param name="values">[n], written.</param>
    public void Forward(ReadOnlySpan<float> states, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = VectorMath.Dot(Weight, states.Slice(i * Weight.Length, Weight.Length)) + _bias.Vector[0];
        }
    }

    /// <summary>Adds to the gradients of weight and bias, and writes those of the states over them.</summary>
    /// <param name="states">[n × width], as <see cref="Forward"/> read them.</param>
    /// <param name="valueGradients">[n]</param>
    public void Backward(Span<float> states, ReadOnlySpan<float> valueGradients)
    {
        var gradient = new Span<float>(_weight.Gradient, Weight.Length);
        for (var i = 0; i < valueGradients.Length; i++)
        {
            var state = states.Slice(i * Weight.Length, Weight.Length);
            VectorMath.AddScaled(valueGradients[i], state, gradient);
            _bias.Gradient[0] += valueGradients[i];
            state.Clear();
            VectorMath.AddScaled(valueGradients[i], Weight, state);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }
}
