namespace AgentLightning.Models.Tensors;

/// <summary>Rows of a table picked by id, and their gradient.</summary>
internal static unsafe class Embeddings
{
    private const int RowsPerPart = 16,
        ColumnsPerPart = 32;

    /// <summary>y[r] (+)= table[ids[r]].</summary>
    public static void Pick(WorkerPool pool, int rows, int* ids, PanelMatrix table, Rows y, bool add) =>
        pool.Run(new PickJob(rows, ids, table, y, add), (rows + RowsPerPart - 1) / RowsPerPart);

    /// <summary>gradient[ids[r]] += dy[r]. A part owns columns, so an id that comes twice is summed in order.</summary>
    public static void AddGradient(WorkerPool pool, int rows, int* ids, Rows dy, PanelMatrix gradient) =>
        pool.Run(new GradientJob(rows, ids, dy, gradient), (gradient.Depth + ColumnsPerPart - 1) / ColumnsPerPart);

    private readonly struct PickJob(int rows, int* ids, PanelMatrix table, Rows y, bool add) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                var index = table.IndexOf(ids[r], 0);
                var to = y[r];
                for (var i = 0; i < table.Depth; i++, index += PanelKernel.Width)
                {
                    var value = table.Type.Read(table.Data, index);
                    to[i] = add ? to[i] + value : value;
                }
            }
        }
    }

    private readonly struct GradientJob(int rows, int* ids, Rows dy, PanelMatrix gradient) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var from = part * ColumnsPerPart;
            var to = Math.Min(gradient.Depth, from + ColumnsPerPart);
            for (var r = 0; r < rows; r++)
            {
                var place = (float*)gradient.Data + gradient.IndexOf(ids[r], from);
                var row = dy[r];
                for (var i = from; i < to; i++, place += PanelKernel.Width)
                {
                    *place += row[i];
                }
            }
        }
    }
}
