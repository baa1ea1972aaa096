//! Words that the reader of surnames knows. They are in simplified characters; a text is compared after [`simplified`].

/// Compound surnames. A pack may have more. Left out are those whose first character is a frequent surname and whose second one
/// begins given names, such as 宗政 and 梁丘.
pub(super) const COMPOUND: [&str; 44] = [
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "司徒",
    "夏侯",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "宇文",
    "长孙",
    "东方",
    "独孤",
    "南宫",
    "闻人",
    "赫连",
    "澹台",
    "公冶",
    "濮阳",
    "淳于",
    "太叔",
    "申屠",
    "轩辕",
    "钟离",
    "鲜于",
    "闾丘",
    "司空",
    "司寇",
    "亓官",
    "颛孙",
    "端木",
    "拓跋",
    "漆雕",
    "呼延",
    "羊舌",
    "东郭",
    "西门",
    "百里",
    "万俟",
    "第五",
    "纳兰",
    "爱新觉罗",
];

/// Frequent surnames, to tell a person's name after a company's, and 小李 from 小明. Left out are those that are frequent in given
/// names as well, such as 明 and 华.
const COMMON: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭\
                      陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔汤温施牛樊葛邢安齐易\
                      乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿焦俞左柳甘祝包尚符舒阮柯纪凌毕单裴霍涂苗谷盛曲翁冉骆游辛靳欧管柴\
                      蒙鲍喻祁蒲房滕屈饶解牟尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙巫寇桑郎甄丛仲虞敖巩佘池查麻苑迟邝";

/// Whether a surname is frequent.
pub(super) fn is_common(c: char) -> bool {
    COMMON.contains(c)
}

/// Forms of address and offices after a name, and remarks on who receives the parcel.
pub(super) const TITLES: &[&str] = &[
    "先生",
    "女士",
    "小姐",
    "太太",
    "夫人",
    "老师",
    "师傅",
    "老板",
    "老板娘",
    "经理",
    "总经理",
    "总监",
    "总裁",
    "主任",
    "主管",
    "医生",
    "大夫",
    "护士",
    "教授",
    "博士",
    "律师",
    "会计",
    "部长",
    "局长",
    "院长",
    "所长",
    "队长",
    "站长",
    "厂长",
    "店长",
    "馆长",
    "处长",
    "科长",
    "校长",
    "会长",
    "组长",
    "班长",
    "董事长",
    "书记",
    "司机",
    "同学",
    "同志",
    "阿姨",
    "叔叔",
    "奶奶",
    "爷爷",
    "大爷",
    "大妈",
    "大姐",
    "大哥",
    "哥哥",
    "姐姐",
    "妹妹",
    "弟弟",
    "妈妈",
    "爸爸",
    "亲收",
    "代收",
    "亲启",
    "签收",
    "本人",
    "收",
    "启",
];

/// Words before a name that are no part of it: what the person is, and the room that takes the parcel in.
pub(super) const LABELS: &[&str] = &[
    "收件人",
    "收货人",
    "收件",
    "收货",
    "联系人",
    "姓名",
    "名字",
    "业主",
    "住户",
    "房东",
    "客户",
    "用户",
    "顾客",
    "前台",
    "门卫",
    "保安",
    "本人",
    "匿名",
    "快递员",
    "代收",
    "收",
    "转",
    "致",
    "送",
    "先生",
    "女士",
    "老板",
    "老师",
    "师傅",
    "老客户",
    "新客户",
    "大客户",
    "客户经理",
    "会员",
    "贵宾",
    "买家",
    "卖家",
    "租户",
    "租客",
    "家属",
    "尊敬的",
    "亲爱的",
    "尊贵的",
    "门卫室",
    "门卫处",
    "门卫亭",
    "门卫岗",
    "保安亭",
    "保安室",
    "保安岗",
    "保安处",
    "保安队",
    "岗亭",
    "门岗",
    "门房",
    "警卫室",
    "值班室",
    "收发室",
    "传达室",
    "服务台",
    "总台",
    "前台处",
    "接待处",
    "接待台",
];

/// The beginnings of texts that tell the courier what to do, or what is so at the door, in place of a name. A name may stand somewhere
/// behind them, which nobody can tell from the rest.
pub(super) const REMARKED: &[&str] = &[
    "请",
    "不",
    "勿",
    "放",
    "无",
    "没",
    "切勿",
    "切莫",
    "麻烦",
    "拜托",
    "烦请",
    "务必",
    "必须",
    "禁止",
    "严禁",
    "谢谢",
    "多谢",
    "辛苦",
    "尽量",
    "尽快",
    "别放",
    "别敲",
    "别打",
    "别送",
    "别按",
    "别扔",
    "只放",
    "可放",
    "可以",
    "直接",
    "提前",
    "电话",
    "电联",
    "打电话",
    "打手机",
    "短信",
    "敲门",
    "按门铃",
    "按铃",
    "送货",
    "送到",
    "送至",
    "送件",
    "送上",
    "送前",
    "收货地址",
    "收件地址",
    "转交",
    "转放",
    "快递放",
    "快件放",
    "快递员请",
    "快递员不",
    "派送",
    "派件",
    "配送",
    "投递",
    "到付",
    "到了",
    "到后",
    "到货",
    "货到",
    "包裹",
    "快件",
    "易碎",
    "轻放",
    "轻拿",
    "小心",
    "生鲜",
    "加急",
    "急件",
    "急用",
    "周末",
    "周六",
    "周日",
    "工作日",
    "节假日",
    "白天",
    "晚上",
    "早上",
    "上午",
    "下午",
    "中午",
    "今天",
    "明天",
    "后天",
    "随时",
    "方便时",
    "方便的",
    "时间",
    "家里",
    "家中",
    "家人",
    "有人",
    "在家",
    "上门",
    "自提",
    "自取",
    "代签",
    "拒收",
    "拒签",
    "如果",
    "如无",
    "若无",
    "否则",
    "备注",
    "地址",
    "楼下",
    "门口",
    "门外",
    "安全起见",
    "万一",
    "高空",
    "于门口",
];

/// Such beginnings in Latin letters.
pub(super) const LATIN_REMARKED: [&str; 17] = [
    "please",
    "pls",
    "plz",
    "kindly",
    "don't",
    "don’t",
    "dont",
    "do not",
    "leave at",
    "leave by",
    "leave in",
    "leave with",
    "leave it",
    "call before",
    "call first",
    "no call",
    "no calls",
];

/// Labels in Latin letters; they end with a colon.
pub(super) const LATIN_LABELS: [&str; 9] =
    ["to", "attn", "attention", "recipient", "receiver", "consignee", "name", "contact", "addressee"];

/// Parts of an address that follow a number before a name: 3栋502室王小明.
pub(super) const UNITS: [&str; 18] =
    ["单元", "号楼", "号", "栋", "幢", "座", "楼", "层", "室", "房", "组", "队", "班", "期", "区", "弄", "户", "铺"];

/// Words of a company, a shop, or an office, at any place of a name.
pub(super) const PLACES: [&str; 78] = [
    "公司",
    "集团",
    "超市",
    "驿站",
    "物业",
    "学校",
    "医院",
    "银行",
    "酒店",
    "宾馆",
    "饭店",
    "餐厅",
    "餐馆",
    "商店",
    "商行",
    "商场",
    "便利店",
    "专卖店",
    "旗舰店",
    "药店",
    "药房",
    "工厂",
    "大厦",
    "广场",
    "幼儿园",
    "学院",
    "派出所",
    "居委会",
    "村委会",
    "委员会",
    "服务站",
    "服务部",
    "服务点",
    "代收点",
    "自提点",
    "自提柜",
    "快递柜",
    "快递点",
    "快递站",
    "菜鸟",
    "丰巢",
    "收发室",
    "传达室",
    "办公室",
    "值班室",
    "工作室",
    "事务所",
    "研究所",
    "研究院",
    "诊所",
    "卫生院",
    "卫生室",
    "经营部",
    "批发部",
    "营业部",
    "营业厅",
    "门市部",
    "项目部",
    "财务部",
    "人事部",
    "支行",
    "分行",
    "分部",
    "合作社",
    "法院",
    "检察院",
    "政府",
    "加油站",
    "美容院",
    "网吧",
    "俱乐部",
    "小区",
    "社区",
    "花园",
    "车间",
    "仓库",
    "工地",
    "有限",
];

/// Such words that are given names as well (李大学): they count after two characters or more.
pub(super) const PLACES_AFTER_TWO: [&str; 15] =
    ["大学", "中学", "小学", "中心", "大队", "支队", "协会", "店", "厂", "局", "馆", "厅", "柜", "铺", "站"];

/// Such words in Latin letters.
pub(super) const LATIN_PLACES: [&str; 27] = [
    "ltd",
    "limited",
    "inc",
    "llc",
    "llp",
    "plc",
    "gmbh",
    "corp",
    "corporation",
    "company",
    "store",
    "shop",
    "supermarket",
    "school",
    "university",
    "college",
    "hospital",
    "hotel",
    "bank",
    "office",
    "reception",
    "group",
    "factory",
    "station",
    "center",
    "centre",
    "restaurant",
];

/// Forms of address and degrees in Latin letters.
pub(super) const LATIN_TITLES: [&str; 24] = [
    "mr", "mrs", "ms", "miss", "mx", "mister", "dr", "prof", "sir", "madam", "mme", "herr", "frau", "jr", "sr", "ii", "iii",
    "iv", "phd", "md", "esq", "vip", "svip", "vvip",
];

/// Remarks of one character in brackets before a name: (收)李雷.
pub(super) const REMARKS: &str = "收转急新老男女退换补送取货件至致代签";

/// Dots between the parts of a name.
pub(super) const DOTS: &str = "·‧•・∙⋅ꞏᐧ.";

/// Characters that stand for a hidden one.
pub(super) const MASKS: &str = "*×✱✲∗⁎○◯〇□█▇?\u{fffd}";

/// Traditional characters of these lists, each before its simplified one.
const FORMS: &str = "歐欧陽阳馬马諸诸遲迟孫孙長长東东獨独宮宫聞闻連连澹澹臺台軒轩轅辕鍾钟鐘钟離离鮮鲜閭闾門门萬万納纳蘭兰愛爱顓颛亓亓\
                     師师總总經经闆板業业戶户衛卫園园學学醫医銀银飯饭館馆廳厅廠厂驛驿團团貨货號号樓楼單单棟栋層层組组隊队區区轉转\
                     會会處处護护導导員员監监書书記记長长爺爷媽妈親亲啟启簽签啓启聯联係系絡络顧顾匯汇遞递網网場场廣广廈厦鋪铺櫃柜\
                     點点傳传達达辦办務务診诊營营門门項项車车間间倉仓協协劉刘陳陈張张趙赵黃黄吳吴鄭郑謝谢許许鄧邓馮冯蕭肖葉叶蘇苏呂吕盧卢\
                     請请無无電电煩烦別别週周裡里裏里話话發发崗岗賓宾貴贵買买賣卖屬属時时輕轻\
                     羅罗範范鄒邹賈贾閻阎閆闫魯鲁龍龙錢钱湯汤賀贺賴赖龔龚龐庞楊杨韓韩蔣蒋韋韦譚谭陸陆齊齐喬乔顏颜莊庄聶聂嚴严";

/// A text in simplified characters, as far as these lists need it. It has as many characters as the text.
pub(super) fn simplified(text: &str) -> String {
    text.chars().map(simple).collect()
}

fn simple(c: char) -> char {
    let mut forms = FORMS.chars();
    while let (Some(traditional), Some(simple)) = (forms.next(), forms.next()) {
        if traditional == c {
            return simple;
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_simplified_characters_and_the_forms_come_in_pairs() {
        assert_eq!(FORMS.chars().count() % 2, 0);
        for list in [&COMPOUND[..], TITLES, LABELS, REMARKED, &UNITS, &PLACES, &PLACES_AFTER_TWO] {
            for word in list {
                assert_eq!(simplified(word), *word);
            }
        }
        assert_eq!(simplified("歐陽諸葛司馬王"), "欧阳诸葛司马王");
    }
}
