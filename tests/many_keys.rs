//! Any number of keys in one `ctx_value!`, and any docs on each, though a macro that expands to itself may do so 128
//! times.

use ctx::{Context, ctx_value};

/// Hands so many names to a macro.
macro_rules! with_names {
    ($make:ident) => {
        $make! {
            K000 K001 K002 K003 K004 K005 K006 K007 K008 K009 K010 K011 K012 K013 K014 K015 K016 K017
            K018 K019 K020 K021 K022 K023 K024 K025 K026 K027 K028 K029 K030 K031 K032 K033 K034 K035
            K036 K037 K038 K039 K040 K041 K042 K043 K044 K045 K046 K047 K048 K049 K050 K051 K052 K053
            K054 K055 K056 K057 K058 K059 K060 K061 K062 K063 K064 K065 K066 K067 K068 K069 K070 K071
            K072 K073 K074 K075 K076 K077 K078 K079 K080 K081 K082 K083 K084 K085 K086 K087 K088 K089
            K090 K091 K092 K093 K094 K095 K096 K097 K098 K099 K100 K101 K102 K103 K104 K105 K106 K107
            K108 K109 K110 K111 K112 K113 K114 K115 K116 K117 K118 K119 K120 K121 K122 K123 K124 K125
            K126 K127 K128 K129 K130 K131 K132 K133 K134 K135 K136 K137 K138 K139 K140 K141 K142 K143
            K144 K145 K146 K147 K148 K149 K150 K151 K152 K153 K154 K155 K156 K157 K158 K159 K160 K161
            K162 K163 K164 K165 K166 K167 K168 K169 K170 K171 K172 K173 K174 K175 K176 K177 K178 K179
            K180 K181 K182 K183 K184 K185 K186 K187 K188 K189 K190 K191 K192 K193 K194 K195 K196 K197
            K198 K199
        }
    };
}

macro_rules! documented_keys {
    ($($name:ident)*) => {
        ctx_value! {
            $(
                /// One.
                ///
                /// Three.
                #[allow(dead_code, reason = "a few of them are enough")]
                #[ctx(show)]
                /// Six.
                pub $name: usize = $crate::many_keys::LAST;
            )*
        }
    };
}

macro_rules! key_with_many_attributes {
    ($($name:ident)*) => {
        ctx_value! {
            $(#[doc = stringify!($name)])*
            #[ctx(show)]
            $(#[doc = stringify!($name)])*
            DOCUMENTED: usize
        }
    };
}

macro_rules! separated_keys {
    ($($name:ident)*) => {
        mod separated {
            ctx::ctx_value! { $(#[allow(dead_code)] pub(super) $name: u8);* }
        }
    };
}

const LAST: usize = 7;
with_names!(documented_keys);
with_names!(separated_keys);
with_names!(key_with_many_attributes);

#[test]
fn there_may_be_many_keys_in_one_declaration() {
    let ctx = Context::background().with_value(&K000, 1);
    let values = [&K000, &K100, &K199].map(|key| ctx.value(key));
    assert_eq!(values, [Some(&1), Some(&LAST), Some(&LAST)]);
    assert_eq!(format!("{ctx:?}"), "Background.with_value(K000 = 1)");
    assert!(ctx.value(&separated::K000).is_none());
}

#[test]
fn a_key_may_have_many_attributes() {
    let ctx = Context::background().with_value(&DOCUMENTED, 1);
    assert_eq!(format!("{ctx:?}"), "Background.with_value(DOCUMENTED = 1)");
}
