using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// A named weight of a model: a vector [n] of singles, or a matrix [outputs × inputs] in its stored type. It has a gradient while it is
/// trained.
/// </summary>
/// <remarks>
/// A matrix lies in the order in which it is multiplied, which differs from that of files; <see cref="Read"/> and <see cref="Write"/>
/// translate.
/// </remarks>
public sealed unsafe class Parameter : IDisposable
{
    private readonly NativeBuffer _value;
    private NativeBuffer? _gradient;

    internal Parameter(string name, int outputs, int inputs, StoredType type, bool inputsFirst = false)
    {
        (Name, Outputs, Inputs, InputsFirst) = (name, outputs, inputs, inputsFirst);
        Type = IsVector ? StoredType.F32 : type;
        _value = new NativeBuffer(StoredCount * Type.Size());
    }

    /// <summary>Its name in the checkpoint, for example <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    public string Name { get; }

    /// <summary>Its shape in the checkpoint: [n], [outputs, inputs], or [inputs, outputs] for the linear layers of GPT-2.</summary>
    public IReadOnlyList<long> Shape =>
        IsVector ? [Outputs]
        : InputsFirst ? [Inputs, Outputs]
        : [Outputs, Inputs];

    /// <summary>Numbers in it.</summary>
    public long Count => (long)Outputs * Math.Max(Inputs, 1);

    /// <summary>How it is kept in memory.</summary>
    public StoredType Type { get; }

    /// <summary>Whether it has a gradient, which training adds to and an optimizer uses up.</summary>
    public bool IsTrained => _gradient is not null;

    internal int Outputs { get; }

    /// <summary>0 for a vector.</summary>
    internal int Inputs { get; }

    internal bool InputsFirst { get; }

    internal bool IsVector => Inputs == 0;

    /// <summary>Numbers as they lie in memory, with the filling of the last panel.</summary>
    internal long StoredCount => IsVector ? Outputs : Matrix(null).Count;

    internal float* Vector => (float*)_value.Data;

    internal PanelMatrix Weights => Matrix(_value.Data);

    /// <summary>Null when it is not trained.</summary>
    internal float* Gradient => _gradient is null ? null : (float*)_gradient.Data;

    internal PanelMatrix GradientMatrix => new(Gradient, StoredType.F32, Outputs, Inputs);

    /// <summary>Starts or stops training it. Only <see cref="StoredType.F32"/> can be trained.</summary>
    public void Train(bool on)
    {
        if (on && Type != StoredType.F32)
        {
            throw new InvalidOperationException(
                $"Parameter '{Name}' is kept as {Type} and cannot be trained. Load the model as {StoredType.F32}, or train adapters."
            );
        }

        if (on != IsTrained)
        {
            _gradient?.Dispose();
            _gradient = on ? new NativeBuffer(StoredCount * sizeof(float)) : null;
        }
    }

    /// <summary>Copies numbers <paramref name="from"/>… of the checkpoint's order to <paramref name="values"/>.</summary>
    public void Read(long from, Span<float> values) => Copy(_value.Data, Type, from, values, write: false);

    /// <summary>Copies the gradient in the checkpoint's order; it must be trained.</summary>
    public void ReadGradient(long from, Span<float> values)
    {
        if (!IsTrained)
        {
            throw new InvalidOperationException($"Parameter '{Name}' has no gradient, because it is not trained.");
        }

        Copy(Gradient, StoredType.F32, from, values, write: false);
    }

    /// <summary>Sets numbers <paramref name="from"/>… of the checkpoint's order, rounded to the stored type.</summary>
    public void Write(long from, ReadOnlySpan<float> values)
    {
        fixed (float* p = values)
        {
            Copy(_value.Data, Type, from, new Span<float>(p, values.Length), write: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _value.Dispose();
        _gradient?.Dispose();
        _gradient = null;
    }

    private PanelMatrix Matrix(void* data) => new(data, Type, Outputs, Inputs);

    private void Copy(void* data, StoredType type, long from, Span<float> values, bool write)
    {
        if (from < 0 || from + values.Length > Count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(from),
                from,
                $"Parameter '{Name}' has {Count} numbers; {from} to {from + values.Length} are not all among them."
            );
        }

        var matrix = Matrix(data);
        var rowLength =
            IsVector ? Outputs
            : InputsFirst ? Outputs
            : Inputs;
        var (row, column) = ((int)(from / rowLength), (int)(from % rowLength));
        for (var i = 0; i < values.Length; i++)
        {
            var index =
                IsVector ? column
                : InputsFirst ? matrix.IndexOf(column, row)
                : matrix.IndexOf(row, column);
            if (write)
            {
                type.Write(data, index, values[i]);
            }
            else
            {
                values[i] = type.Read(data, index);
            }

            if (++column == rowLength)
            {
                (row, column) = (row + 1, 0);
            }
        }
    }
}
