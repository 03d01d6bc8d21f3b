using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Adapters;

/// <summary>What adapters do to weights.</summary>
internal static unsafe class AdapterMath
{
    /// <summary>W += factor · B·A, element by element in single precision, a row of outputs at a time.</summary>
    public static void AddProduct(Parameter weight, LowRankAdapter change, float factor)
    {
        var matrix = weight.Weights;
        float[] a = new float[change.A.Count],
            b = new float[change.B.Count],
            row = new float[weight.Inputs];
        change.A.Read(0, a);
        change.B.Read(0, b);
        for (var output = 0; output < weight.Outputs; output++)
        {
            row.AsSpan().Clear();
            for (var r = 0; r < change.Rank; r++)
            {
                VectorMath.AddScaled(factor * b[(output * change.Rank) + r], a.AsSpan(r * weight.Inputs, weight.Inputs), row);
            }

            for (var input = 0; input < weight.Inputs; input++)
            {
                var index = matrix.IndexOf(output, input);
                weight.Type.Write(matrix.Data, index, weight.Type.Read(matrix.Data, index) + row[input]);
            }
        }
    }
}
