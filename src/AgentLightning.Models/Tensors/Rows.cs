namespace AgentLightning.Models.Tensors;

/// <summary>
/// A matrix that may lie inside a wider one: row r begins at <c>data + (r / inner) · stride + (r % inner) · innerStride</c>,
/// so the heads of a token can be rows as well as the tokens.
/// </summary>
internal readonly unsafe struct Rows(float* data, nint stride, int inner = 1, nint innerStride = 0)
{
    public float* Data => data;

    /// <summary>Numbers from one row to the next, or from one group of inner rows to the next.</summary>
    public nint Stride => stride;

    public float* this[int row] => inner == 1 ? data + (row * stride) : data + (row / inner * stride) + (row % inner * innerStride);

    /// <summary>The same rows from a later column on.</summary>
    public Rows From(int column) => new(data + column, stride, inner, innerStride);

    /// <summary>The rows from <paramref name="row"/> on; for matrices without inner rows.</summary>
    public Rows Below(int row) => new(data + (row * stride), stride);
}
