namespace AgentLightning.Models.Tensors;

/// <summary>The reference: one number at a time.</summary>
internal sealed unsafe class PanelKernelScalar : PanelKernel
{
    protected override void MultiplyFull(
        int m,
        int k,
        float* a,
        nint aRow,
        nint aStep,
        void* panel,
        StoredType type,
        float* c,
        nint cRow,
        float* start,
        nint startRow
    )
    {
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < Width; j++)
            {
                var sum = start is null ? 0f : start[(i * startRow) + j];
                for (var p = 0; p < k; p++)
                {
                    sum = MathF.FusedMultiplyAdd(a[(i * aRow) + (p * aStep)], type.Read(panel, ((long)p * Width) + j), sum);
                }

                c[(i * cRow) + j] = sum;
            }
        }
    }
}
